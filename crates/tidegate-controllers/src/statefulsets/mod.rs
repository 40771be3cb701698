//! StatefulSets: pods with names of their own, which start, stop and change one after the other.
//!
//! [`steps`] decides from values; [`controller`] feeds it and carries out what it decided. Rules
//! are upstream's (pkg/controller/statefulset, pkg/controller/history).

mod controller;
mod identity;
mod new_pod;
mod revisions;
mod settings;
mod status;
mod steps;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use controller::StatefulSetController;
