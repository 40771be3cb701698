//! ReplicaSets: keep a number of equal pods.
//!
//! Rules are upstream's (pkg/controller/replicaset, pkg/controller/controller_utils.go).

mod batches;
mod controller;
mod expectations;
mod new_pod;
mod pod_writer;
mod ranking;
mod status;

pub(crate) use controller::ReplicaSetController;
