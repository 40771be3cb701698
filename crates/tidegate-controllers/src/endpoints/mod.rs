//! Legacy Endpoints objects, for readers that do not know slices.
//!
//! Rules are upstream's (pkg/controller/endpoint); new code should read slices.

mod controller;
pub(crate) mod labels;
mod subsets;
#[cfg(test)]
mod tests;

pub(crate) use controller::EndpointsController;
