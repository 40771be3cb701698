//! Controllers: they watch what users want and what is there, and write the difference.
//!
//! [`run`] starts all of them: EndpointSlices, legacy Endpoints, slices mirrored from Endpoints,
//! Deployments, ReplicaSets, StatefulSets, garbage collection, namespace deletion. Each kind is watched once,
//! into a cache that all controllers share; a change puts the keys that it concerns into the
//! controllers' queues, and workers bring one key at a time to where it should be.
//!
//! What to do is decided by pure functions of values; only the `controller` module of each part
//! talks to the API server. Nothing here runs pods or programs the kernel, and no state is kept
//! that can't be read from the API again.

mod adoption;
mod api;
mod cluster;
mod context;
mod deployments;
mod endpoints;
mod events;
mod garbage;
mod kinds;
mod mirroring;
mod namespaces;
mod object;
mod pod_changes;
mod pods;
mod replicasets;
mod run;
mod settings;
mod slice_writer;
mod slices;
mod statefulsets;
mod template_hash;
#[cfg(test)]
mod test_objects;
mod time;
mod work;

pub use run::{ControllersError, run};
pub use settings::Settings;
pub use slices::ports::endpoint_ports;
