//! The server as its clients meet it: in process, over HTTPS, with kube-rs and with kubectl.

#![allow(
    clippy::unwrap_used,
    reason = "a failed step of a test is the test's failure"
)]

mod https;
mod kubectl;
mod objects;
mod services;
mod support;
mod watching;
