//! The proxy's way to the modes.

use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_modes::{Best, Mode, ModeOptions, best, open, open_others};
use tidegate_proxy::{ModeFactory, OpenedMode};
use tidegate_proxy_config::ProxyMode;

/// What an operator chose: a mode, or the best; and how it works.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModeChoice {
    pub(crate) mode: ProxyMode,
    pub(crate) options: ModeOptions,
}

/// Opens what was chosen.
#[derive(Debug)]
pub(crate) struct Modes;

impl ModeFactory for Modes {
    type Choice = ModeChoice;

    fn open(&self, choice: &ModeChoice) -> Result<OpenedMode, DataplaneError> {
        let Some(mode) = by_name(choice.mode) else {
            let Best {
                dataplane, reason, ..
            } = best(&choice.options).map_err(|none| DataplaneError::Failed {
                step: "choosing a proxy mode".to_owned(),
                reason: none.to_string(),
            })?;
            return Ok(OpenedMode { dataplane, reason });
        };
        Ok(OpenedMode {
            dataplane: open(mode, &choice.options)?,
            reason: format!("{mode}: the configuration asks for it"),
        })
    }

    fn others(&self, serving: &'static str) -> Vec<Box<dyn Dataplane>> {
        open_others(serving.parse().ok(), &ModeOptions::default())
    }
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
