//! Server-side search completion.

use serde::{Deserialize, Serialize};

use crate::zone_name::ZoneName;

/// Server-side search completion: the first question of a client's search is answered with what the
/// whole search would find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Autopath {
    /// The zones whose questions may be the first of a search; those of the server block where a
    /// file has none.
    pub zones: Vec<ZoneName>,
    /// Where the search path of a client comes from.
    pub search: AutopathSearch,
}

/// Where the search path of a client comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AutopathSearch {
    /// From the namespace of the pod that has the client's address.
    #[default]
    Kubernetes,
    /// From the `search` line of a file like `/etc/resolv.conf`, for all clients.
    ResolvConf(String),
}
