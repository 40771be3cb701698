//! Opening modes.

use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_iptables::{IptablesMode, IptablesOptions};
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_nftables::NftablesMode;
use tidegate_userspace::{UserspaceMode, UserspaceOptions, WithLoopbackNodePorts};

use crate::Mode;

/// What an operator can choose about the modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeOptions {
    /// Node ports answer on 127.0.0.1 too.
    pub loopback_node_ports: bool,
    /// The userspace mode's own.
    pub userspace: UserspaceOptions,
    /// The iptables mode's own.
    pub iptables: IptablesOptions,
    /// The IPVS mode's own.
    pub ipvs: IpvsOptions,
}

impl Default for ModeOptions {
    fn default() -> Self {
        Self {
            loopback_node_ports: true,
            userspace: UserspaceOptions::default(),
            iptables: IptablesOptions::default(),
            ipvs: IpvsOptions::default(),
        }
    }
}

impl ModeOptions {
    /// What of these means anything to a mode, with everything else as by default: options of one
    /// mode can change without another one, which is at work, being opened anew.
    #[must_use]
    pub fn that_count_in(self, mode: Mode) -> Self {
        let default = Self::default();
        match mode {
            Mode::Userspace => Self {
                iptables: default.iptables,
                ipvs: default.ipvs,
                ..self
            },
            Mode::Iptables => Self {
                userspace: default.userspace,
                ipvs: default.ipvs,
                ..self
            },
            // Listeners of the userspace mode answer on 127.0.0.1 here.
            Mode::Ipvs => Self {
                userspace: self.of_listeners(),
                iptables: default.iptables,
                ..self
            },
            Mode::Nftables => Self {
                userspace: self.of_listeners(),
                iptables: default.iptables,
                ipvs: default.ipvs,
                ..self
            },
        }
    }

    fn of_listeners(&self) -> UserspaceOptions {
        match self.loopback_node_ports {
            true => self.userspace.clone(),
            false => UserspaceOptions::default(),
        }
    }
}

/// Opens a mode on the calling thread's network namespace. Nothing is changed yet.
///
/// nftables and IPVS can't answer on 127.0.0.1 without `route_localnet`, which would open what
/// others think is closed; listeners of the userspace mode do it for them.
///
/// # Errors
/// What the mode needs and isn't there, with what would bring it.
pub fn open(mode: Mode, options: &ModeOptions) -> Result<Box<dyn Dataplane>, DataplaneError> {
    let loopback = options.loopback_node_ports;
    Ok(match mode {
        Mode::Userspace => Box::new(UserspaceMode::open(UserspaceOptions {
            loopback_node_ports: loopback,
            ..options.userspace.clone()
        })?),
        Mode::Iptables => Box::new(IptablesMode::open(IptablesOptions {
            localhost_node_ports: loopback,
            ..options.iptables.clone()
        })?),
        Mode::Ipvs if loopback => {
            let ipvs = IpvsMode::open(options.ipvs.clone())?;
            Box::new(WithLoopbackNodePorts::new(ipvs, &options.userspace)?)
        }
        Mode::Ipvs => Box::new(IpvsMode::open(options.ipvs.clone())?),
        Mode::Nftables if loopback => {
            let nftables = NftablesMode::open()?;
            Box::new(WithLoopbackNodePorts::new(nftables, &options.userspace)?)
        }
        Mode::Nftables => Box::new(NftablesMode::open()?),
    })
}

/// Has a mode at work take other options, without disturbing a connection; a reconcile has to
/// follow. Whether it could: if not, nothing has changed, and the mode has to be opened anew.
pub fn adjust(
    serving: &mut dyn Dataplane,
    mode: Mode,
    before: &ModeOptions,
    after: &ModeOptions,
) -> bool {
    let [before, after] = [before, after].map(|options| options.clone().that_count_in(mode));
    if before == after {
        return true;
    }
    let only_userspace_differs = ModeOptions {
        userspace: after.userspace.clone(),
        ..before
    } == after;
    match mode {
        Mode::Userspace => serving.take_options(&UserspaceOptions {
            loopback_node_ports: after.loopback_node_ports,
            ..after.userspace
        }),
        Mode::Ipvs | Mode::Nftables if only_userspace_differs && after.loopback_node_ports => {
            serving.take_options(&after.userspace)
        }
        Mode::Iptables | Mode::Ipvs | Mode::Nftables => false,
    }
}

/// Opens every mode but one, as far as they work here: to have them remove what is left of them.
/// A mode that can't be opened here has left nothing here, unless what it needs was removed since.
pub fn open_others(serving: Option<Mode>, options: &ModeOptions) -> Vec<Box<dyn Dataplane>> {
    let others = Mode::ALL.into_iter().filter(|mode| Some(*mode) != serving);
    let opened = others.filter_map(|mode| match open(mode, options) {
        Ok(dataplane) => Some(dataplane),
        Err(error) => {
            tracing::debug!(%mode, %error, "not opened, so nothing of it is looked for");
            None
        }
    });
    opened.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn options_of_one_mode_are_none_of_anothers() {
        let default = ModeOptions::default();
        let userspace = ModeOptions {
            userspace: UserspaceOptions {
                udp_idle: Duration::from_secs(1),
                ..UserspaceOptions::default()
            },
            ..default.clone()
        };
        let iptables = ModeOptions {
            iptables: IptablesOptions {
                masquerade_bit: 20,
                ..IptablesOptions::default()
            },
            ..default.clone()
        };
        let ipvs = ModeOptions {
            ipvs: IpvsOptions {
                strict_arp: true,
                ..IpvsOptions::default()
            },
            ..default.clone()
        };
        let loopback = ModeOptions {
            loopback_node_ports: false,
            ..default
        };
        let counts = |options: &ModeOptions, mode| {
            options.clone().that_count_in(mode) != ModeOptions::default()
        };
        // Userspace, iptables, IPVS, nftables.
        for (options, wanted) in [
            (&userspace, [true, false, true, true]),
            (&iptables, [false, true, false, false]),
            (&ipvs, [false, false, true, false]),
            (&loopback, [true, true, true, true]),
        ] {
            assert_eq!(Mode::ALL.map(|mode| counts(options, mode)), wanted);
        }
        let without_listeners = ModeOptions {
            loopback_node_ports: false,
            ..userspace
        };
        let left = without_listeners.that_count_in(Mode::Nftables);
        assert_eq!(left.userspace, UserspaceOptions::default());
    }

    #[test]
    fn a_mode_at_work_takes_what_does_not_count_in_it_and_refuses_what_it_can_not_take() {
        let before = ModeOptions::default();
        let after = ModeOptions {
            ipvs: IpvsOptions {
                strict_arp: true,
                ..IpvsOptions::default()
            },
            ..before.clone()
        };
        // It takes no options at all.
        let mut serving = tidegate_dataplane::MemoryDataplane::default();
        let mut adjusts = |mode| adjust(&mut serving, mode, &before, &after);
        assert_eq!(Mode::ALL.map(&mut adjusts), [true, true, false, true]);
    }
}
