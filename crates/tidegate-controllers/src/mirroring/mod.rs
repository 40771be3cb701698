//! Slices for Services without a selector, made from Endpoints objects that users write.
//!
//! Rules are upstream's (pkg/controller/endpointslicemirroring).

mod controller;
mod mirror;

pub(crate) use controller::MirroringController;
