//! The mode `auto`.

use std::fmt;

use tidegate_dataplane::{Dataplane, DataplaneError};

use crate::{Mode, ModeOptions, open};

/// The modes from the best to the one that needs least of the kernel. nftables and IPVS cost the
/// same whatever number of Services there is; nftables needs no device and keeps every line of the
/// contract. iptables is matched line by line, and userspace touches every byte.
const PREFERENCE: [Mode; 4] = [Mode::Nftables, Mode::Ipvs, Mode::Iptables, Mode::Userspace];

/// The best mode that works here, opened.
pub struct Best {
    /// Which one.
    pub mode: Mode,
    /// The mode at work.
    pub dataplane: Box<dyn Dataplane>,
    /// Why this one and none before it, in a sentence.
    pub reason: String,
}

/// No mode works here.
#[derive(Debug, thiserror::Error)]
pub struct NoneWorks(Vec<DataplaneError>);

/// Opens the best mode that works here.
///
/// # Errors
/// None does; why not, one after another.
pub fn best(options: &ModeOptions) -> Result<Best, NoneWorks> {
    best_of(|mode| open(mode, options))
}

/// Opens the best mode that works, where somebody else knows how a mode is opened.
///
/// # Errors
/// As [`best`].
pub fn best_of(
    open: impl Fn(Mode) -> Result<Box<dyn Dataplane>, DataplaneError>,
) -> Result<Best, NoneWorks> {
    let mut errors: Vec<DataplaneError> = Vec::new();
    for mode in PREFERENCE {
        match open(mode) {
            Ok(dataplane) => {
                let reason = match errors.as_slice() {
                    [] => format!("auto: {mode} is the best mode, and works here"),
                    errors => format!(
                        "auto: {mode} is the best mode that works here; {}",
                        join(errors)
                    ),
                };
                return Ok(Best {
                    mode,
                    dataplane,
                    reason,
                });
            }
            Err(error) => errors.push(error),
        }
    }
    Err(NoneWorks(errors))
}

impl fmt::Display for NoneWorks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no proxy mode works here: {}", join(&self.0))
    }
}

fn join(errors: &[DataplaneError]) -> String {
    let texts: Vec<String> = errors.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use tidegate_dataplane::MemoryDataplane;

    use super::*;

    fn missing(mode: Mode) -> DataplaneError {
        DataplaneError::Missing {
            mode: mode.name(),
            missing: "its module".to_owned(),
            remedy: "load it".to_owned(),
        }
    }

    #[test]
    fn the_first_that_opens_is_taken_and_the_reason_names_what_the_others_miss() {
        let best = best_of(|mode| match mode {
            Mode::Iptables => Ok(Box::new(MemoryDataplane::default())),
            other => Err(missing(other)),
        });
        let best = best.expect("one opens");
        assert_eq!(best.mode, Mode::Iptables);
        assert_eq!(
            best.reason,
            "auto: iptables is the best mode that works here; nftables mode can't work here: its \
             module is missing; load it; ipvs mode can't work here: its module is missing; load it"
        );
    }

    #[test]
    fn of_every_combination_of_modes_that_open_the_best_is_taken_and_only_better_ones_are_named() {
        for combination in 0..1u8 << PREFERENCE.len() {
            let opens = |mode| {
                let place = PREFERENCE.iter().position(|one| *one == mode);
                combination & (1 << place.expect("every mode has a place")) != 0
            };
            let tried = std::cell::RefCell::new(Vec::new());
            let best = best_of(|mode| {
                tried.borrow_mut().push(mode);
                match opens(mode) {
                    true => Ok(Box::new(MemoryDataplane::named(mode.name()))),
                    false => Err(missing(mode)),
                }
            });
            let first = PREFERENCE.iter().position(|mode| opens(*mode));
            let better = &PREFERENCE[..first.unwrap_or(PREFERENCE.len())];
            let said = match (&best, first) {
                (Ok(best), Some(first)) => {
                    assert_eq!(best.mode, PREFERENCE[first]);
                    assert_eq!(best.dataplane.mode(), best.mode.name());
                    best.reason.clone()
                }
                (Err(error), None) => error.to_string(),
                _ => panic!("combination {combination:b}"),
            };
            let tried = tried.into_inner();
            assert_eq!(tried.len(), better.len() + usize::from(first.is_some()));
            for mode in PREFERENCE {
                let named = said.contains(&missing(mode).to_string());
                assert_eq!(named, better.contains(&mode), "{said}");
            }
        }
    }

    #[test]
    fn without_nf_tables_it_is_ipvs_or_iptables_and_the_reason_says_what_would_bring_more() {
        let without_nf_tables = |mode: Mode| DataplaneError::Missing {
            mode: mode.name(),
            missing: "nf_tables in the kernel".to_owned(),
            remedy: "load the module nf_tables, or choose another mode".to_owned(),
        };
        let opened = |has_ipvs: bool| {
            let best = best_of(|mode| match mode {
                Mode::Ipvs if !has_ipvs => Err(missing(mode)),
                Mode::Ipvs | Mode::Iptables => Ok(Box::new(MemoryDataplane::named(mode.name()))),
                Mode::Nftables | Mode::Userspace => Err(without_nf_tables(mode)),
            });
            best.expect("one opens").reason
        };
        assert_eq!(
            opened(true),
            "auto: ipvs is the best mode that works here; nftables mode can't work here: nf_tables \
             in the kernel is missing; load the module nf_tables, or choose another mode"
        );
        assert_eq!(
            opened(false),
            "auto: iptables is the best mode that works here; nftables mode can't work here: \
             nf_tables in the kernel is missing; load the module nf_tables, or choose another mode; \
             ipvs mode can't work here: its module is missing; load it"
        );
    }

    #[test]
    fn if_none_opens_the_error_says_why_of_each() {
        let error = best_of(|mode| Err(missing(mode)))
            .err()
            .expect("none opens");
        for mode in Mode::ALL {
            assert!(error.to_string().contains(mode.name()), "{error}");
        }
    }
}
