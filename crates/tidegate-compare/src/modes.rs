//! The proxy modes that can be compared.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tidegate_dataplane::{Dataplane, DataplaneError};
use tidegate_iptables::{IptablesMode, IptablesOptions, Variant};
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_nftables::NftablesMode;
use tidegate_userspace::{UserspaceMode, UserspaceOptions};

/// A proxy mode, in one of its variants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// Sets and maps of nftables.
    Nftables,
    /// Upstream's chains through `iptables-legacy-restore`.
    Iptables,
    /// Upstream's chains through `iptables-nft-restore`, which takes minutes for many Services.
    IptablesNft,
    /// Virtual servers.
    Ipvs,
    /// A process that accepts and dials.
    Userspace,
}

impl Mode {
    /// Those that are compared if nobody says otherwise.
    pub(crate) const USUAL: [Self; 4] =
        [Self::Nftables, Self::Iptables, Self::Ipvs, Self::Userspace];

    /// The name as the command line and the tables have it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::Iptables => "iptables",
            Self::IptablesNft => "iptables-nft",
            Self::Ipvs => "ipvs",
            Self::Userspace => "userspace",
        }
    }

    /// Opens the mode on the calling thread's network namespace.
    ///
    /// # Errors
    /// What the mode says that is missing here.
    pub(crate) fn open(self) -> Result<Box<dyn Dataplane>, DataplaneError> {
        Ok(match self {
            Self::Nftables => Box::new(NftablesMode::open()?),
            Self::Iptables => Box::new(IptablesMode::open(iptables_options(Variant::Legacy))?),
            Self::IptablesNft => Box::new(IptablesMode::open(iptables_options(Variant::Nft))?),
            Self::Ipvs => Box::new(IpvsMode::open(IpvsOptions::default())?),
            Self::Userspace => Box::new(UserspaceMode::open(UserspaceOptions::default())?),
        })
    }
}

/// Upstream's defaults, with one of the two iptables.
pub(crate) fn iptables_options(variant: Variant) -> IptablesOptions {
    IptablesOptions {
        variant,
        ..IptablesOptions::default()
    }
}
