//! EndpointSlices: which pods stand behind a Service.
//!
//! [`reconcile`] decides from values alone; [`controller`] feeds it and writes what it decided.
//! Rules are upstream's (pkg/controller/endpointslice, staging/src/k8s.io/endpointslice).

mod controller;
mod endpoint;
mod families;
mod hints;
pub(crate) mod labels;
pub(crate) mod pack;
pub(crate) mod ports;
mod reconcile;
#[cfg(test)]
mod tests;
mod triggers;

pub(crate) use controller::SliceController;
pub(crate) use families::{AddressFamily, families};
pub(crate) use hints::ZoneCapacity;
pub(crate) use reconcile::{Input, reconcile};
pub(crate) use triggers::{TRIGGER_TIME_ANNOTATION, TriggerTimes};

pub(crate) use endpoint::{address_of, host_name, pod_reference, publishes_unready};
