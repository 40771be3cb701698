//! What can be chosen about the controllers.

/// Settings of all controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many endpoints one EndpointSlice may hold, from 1 to 1000 (upstream's
    /// `--max-endpoints-per-slice`).
    pub max_endpoints_per_slice: usize,
    /// How many objects each controller works on at the same time (upstream's
    /// `--concurrent-*-syncs`), at least 1.
    pub parallelism: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_endpoints_per_slice: 100,
            parallelism: 8,
        }
    }
}
