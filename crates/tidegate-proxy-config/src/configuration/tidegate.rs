//! What upstream has no field for.

use serde::{Deserialize, Serialize};

use super::or_unset;
use crate::GoDuration;

/// What upstream has no field for (`tidegate`). Whatever is not set is chosen by the mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TidegateConfiguration {
    /// Which iptables programs to use: `legacy`, `nft`, or `auto` for those that hold rules.
    #[serde(deserialize_with = "or_unset")]
    pub iptables_variant: String,
    /// The userspace mode.
    #[serde(deserialize_with = "or_unset")]
    pub userspace: UserspaceConfiguration,
}

/// The userspace mode (`tidegate.userspace`). Its periods are those of `iptables`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct UserspaceConfiguration {
    /// How long a UDP flow without packets is kept.
    #[serde(deserialize_with = "or_unset")]
    pub udp_idle_timeout: GoDuration,
}

impl TidegateConfiguration {
    /// Whether nothing of this is set.
    pub fn is_unset(&self) -> bool {
        *self == Self::default()
    }
}
