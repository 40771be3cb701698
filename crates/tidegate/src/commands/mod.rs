//! One module a command, or a family of commands.

pub(crate) mod cleanup;
pub(crate) mod dns;
pub(crate) mod exec;
pub(crate) mod objects;
pub(crate) mod proxy;
pub(crate) mod render;
