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
    first_that_opens(|mode| open(mode, options))
}

fn first_that_opens(
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
        let best = first_that_opens(|mode| match mode {
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
    fn if_none_opens_the_error_says_why_of_each() {
        let error = first_that_opens(|mode| Err(missing(mode)))
            .err()
            .expect("none opens");
        for mode in Mode::ALL {
            assert!(error.to_string().contains(mode.name()), "{error}");
        }
    }
}
