//! What the plan decides, told as Services and endpoints go in.

mod backends;
mod fixture;
mod frontends;
mod incremental;
mod settings;
