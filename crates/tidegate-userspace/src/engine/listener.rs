//! A socket that clients come to, and where they go from there.

use std::net::SocketAddr;
use std::sync::Arc;

use rustix::fd::OwnedFd;
use tidegate_plan::BackendSet;

use super::socket::Transport;
use crate::balance::Port;

/// A socket that clients come to.
#[derive(Debug)]
pub(crate) struct Listener {
    /// Its number, which is never given again.
    pub(crate) id: u32,
    pub(crate) transport: Transport,
    pub(crate) socket: OwnedFd,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) target: Target,
}

/// What a listener's clients are balanced over.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) port: Arc<Port>,
    pub(crate) set: BackendSet,
}
