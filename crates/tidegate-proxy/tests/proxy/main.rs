//! The proxy against strict dataplanes in memory, with real requests to its servers.

mod api;
mod events;
mod faults;
mod fixture;
mod health;
mod looping;
mod node;
mod options;
mod pages;
mod service_health;
mod switching;
