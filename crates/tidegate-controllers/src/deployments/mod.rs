//! Deployments: replace pods by newer ones without anyone noticing.
//!
//! [`rollout`] decides from values; [`controller`] feeds it and carries out what it decided.
//! Rules are upstream's (pkg/controller/deployment).

mod bounds;
mod condition;
mod controller;
mod fleet;
mod history;
mod recreate;
mod revision;
mod rolling;
mod rollout;
mod scaling;
mod status;
mod template;
#[cfg(test)]
mod tests;
mod writer;

pub(crate) use controller::DeploymentController;
