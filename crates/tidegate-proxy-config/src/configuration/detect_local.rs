//! What `detectLocalMode` needs to know.

use serde::{Deserialize, Serialize};

use super::or_unset;

/// What `detectLocalMode` needs to know (`detectLocal`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DetectLocalConfiguration {
    /// The pods' bridge, for `BridgeInterface`.
    #[serde(deserialize_with = "or_unset")]
    pub bridge_interface: String,
    /// What the names of the pods' interfaces begin with, for `InterfaceNamePrefix`.
    #[serde(deserialize_with = "or_unset")]
    pub interface_name_prefix: String,
}
