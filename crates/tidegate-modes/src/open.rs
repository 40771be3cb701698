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
