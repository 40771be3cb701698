//! What every controller is given.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;

use crate::Settings;
use crate::cluster::{Cluster, ObjectKey};
use crate::events::Recorder;
use crate::work::Pace;

/// How many changes of one Service in a row are written at once.
const ENDPOINT_BURST: u32 = 20;
/// The time between writes for a Service that keeps changing after its burst: short enough for a
/// change to reach the kernel within 200 ms even then.
const ENDPOINT_INTERVAL: Duration = Duration::from_millis(100);

/// The connections and shared state of all controllers.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) recorder: Recorder,
    pub(crate) settings: Settings,
}

impl Context {
    /// How often one Service's endpoints may be written.
    pub(crate) fn endpoint_pace(&self) -> Pace<ObjectKey> {
        Pace::new(ENDPOINT_INTERVAL, ENDPOINT_BURST)
    }
}
