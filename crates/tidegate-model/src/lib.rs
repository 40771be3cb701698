//! The small types of Services, ports and endpoints, with their defaulting and validation.
//!
//! Everything here is a value or a pure function of values: no I/O, no clock, no environment.
//! The types carry roles, so that a backend address can't be passed where a frontend is meant.
//! [`Service`] and [`EndpointSlice`] are what the proxy and the DNS server work with: a fraction
//! of the API objects' size, with every default filled in and every doubtful value resolved.

mod address;
mod endpoint_slice;
pub mod merge;
mod names;
pub mod objects;
mod packed;
mod service;
pub mod service_api;
mod snapshot;
pub mod table;

pub use address::{
    ClusterIp, EndpointAddr, ExternalIp, IpFamily, LoadBalancerIp, NodePort, Protocol,
    UnknownProtocol,
};
pub use endpoint_slice::{Endpoint, EndpointPort, EndpointSlice, SliceKey};
pub use names::{ServiceKey, ServicePortName};
pub use service::{
    Scheduler, Service, ServicePort, ServiceRole, SessionAffinity, TrafficPolicy, labels,
};
pub use snapshot::Snapshot;
