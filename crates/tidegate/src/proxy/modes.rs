//! The proxy's way to the modes.

use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_modes::{Mode, ModeOptions, adjust, best_of, open, open_others};
use tidegate_proxy::{ModeFactory, OpenedMode};
use tidegate_proxy_config::ProxyMode;

/// What an operator chose: a mode, or the best; and how it works.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModeChoice {
    pub(crate) mode: ProxyMode,
    pub(crate) options: ModeOptions,
}

impl ModeChoice {
    /// A choice that differs from another one only where it makes a difference.
    pub(crate) fn new(mode: ProxyMode, options: ModeOptions) -> Self {
        let options = match by_name(mode) {
            Some(named) => options.that_count_in(named),
            None => options,
        };
        Self { mode, options }
    }
}

/// Opens what was chosen.
#[derive(Debug)]
pub(crate) struct Modes;

impl ModeFactory for Modes {
    type Choice = ModeChoice;

    fn open(&self, choice: &ModeChoice) -> Result<OpenedMode, DataplaneError> {
        opened(choice, |mode| open(mode, &choice.options))
    }

    fn adjust(&self, serving: &mut dyn Dataplane, before: &ModeChoice, after: &ModeChoice) -> bool {
        let mode = serving.mode().parse().ok();
        let mode = mode.filter(|_| before.mode == after.mode);
        mode.is_some_and(|mode| adjust(serving, mode, &before.options, &after.options))
    }

    fn others(&self, serving: &'static str) -> Vec<Box<dyn Dataplane>> {
        open_others(serving.parse().ok(), &ModeOptions::default())
    }
}

/// Opens what was chosen, where a mode is opened by `open`.
fn opened(
    choice: &ModeChoice,
    open: impl Fn(Mode) -> Result<Box<dyn Dataplane>, DataplaneError>,
) -> Result<OpenedMode, DataplaneError> {
    let Some(mode) = by_name(choice.mode) else {
        let best = best_of(open).map_err(|none| DataplaneError::Failed {
            step: "choosing a proxy mode".to_owned(),
            reason: none.to_string(),
        })?;
        return Ok(OpenedMode {
            dataplane: best.dataplane,
            reason: best.reason,
        });
    };
    Ok(OpenedMode {
        dataplane: open(mode)?,
        reason: format!("{mode}: the configuration asks for it"),
    })
}

fn by_name(mode: ProxyMode) -> Option<Mode> {
    match mode {
        ProxyMode::Auto => None,
        ProxyMode::Iptables => Some(Mode::Iptables),
        ProxyMode::Ipvs => Some(Mode::Ipvs),
        ProxyMode::Nftables => Some(Mode::Nftables),
        ProxyMode::Userspace => Some(Mode::Userspace),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_dataplane::MemoryDataplane;

    use super::*;

    /// A machine without nf_tables and IPVS.
    fn old_machine(mode: Mode) -> Result<Box<dyn Dataplane>, DataplaneError> {
        let lacks = |missing: &str| DataplaneError::Missing {
            mode: mode.name(),
            missing: missing.to_owned(),
            remedy: format!("load the module {missing}"),
        };
        match mode {
            Mode::Nftables | Mode::Userspace => Err(lacks("nf_tables")),
            Mode::Ipvs => Err(lacks("ip_vs")),
            Mode::Iptables => Ok(Box::new(MemoryDataplane::named("iptables"))),
        }
    }

    fn chosen(mode: ProxyMode) -> Result<OpenedMode, DataplaneError> {
        let options = ModeOptions::default();
        opened(&ModeChoice::new(mode, options), old_machine)
    }

    #[test]
    fn auto_takes_what_the_machine_has_and_says_why_it_is_no_better_one() {
        let auto = chosen(ProxyMode::Auto).expect("one mode opens");
        assert_eq!(auto.dataplane.mode(), "iptables");
        let wanted = "nf_tables is missing; load the module nf_tables; ipvs mode can't work here: \
                      ip_vs is missing; load the module ip_vs";
        assert!(auto.reason.ends_with(wanted), "{}", auto.reason);
    }

    #[test]
    fn a_mode_that_is_asked_for_by_name_is_that_one_or_none() {
        let iptables = chosen(ProxyMode::Iptables).expect("it opens");
        assert_eq!(iptables.reason, "iptables: the configuration asks for it");
        let nftables = chosen(ProxyMode::Nftables).err().expect("it can't open");
        assert!(matches!(
            nftables,
            DataplaneError::Missing {
                mode: "nftables",
                ..
            }
        ));
    }
}
