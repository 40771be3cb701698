//! A server that is asked, and what is known of it.

mod connection;
mod exchange;
mod health;
mod list;
mod pool;
mod query;
mod resolv_conf;
mod tls;
mod udp;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;

use crate::counters::UpstreamCounters;
use crate::question::OwnedQuestion;
use crate::stored::Reply;
pub(crate) use exchange::ExchangeError;
pub(crate) use health::HealthChecker;
pub(crate) use list::UpstreamList;
use pool::Pool;

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// UDP, and TCP where that won't do.
    Plain,
    /// TLS over TCP (RFC 7858).
    Tls,
}

/// Who an upstream is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) address: SocketAddr,
    /// The name that its certificate must have, if it is asked over TLS.
    pub(crate) server_name: Option<ServerName<'static>>,
}

/// A server that questions are passed on to.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) identity: Identity,
    pub(crate) counters: Arc<UpstreamCounters>,
    transport: Transport,
    /// How many health checks in a row it has failed.
    fails: AtomicU32,
    /// Whether it is being checked.
    is_checked: AtomicBool,
}

/// The way to a server.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) habits: Habits,
}

/// What is the same for all servers of a resolver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) force_tcp: bool,
    pub(crate) prefer_udp: bool,
    /// How long each attempt may take.
    pub(crate) patience: Duration,
    pub(crate) expire: Duration,
    pub(crate) max_idle_connections: usize,
}

impl Identity {
    pub(crate) fn protocol(&self) -> Protocol {
        match self.server_name {
            Some(_) => Protocol::Tls,
            None => Protocol::Plain,
        }
    }
}

impl Upstream {
    fn new(identity: Identity, tls: Option<Arc<ClientConfig>>, habits: Habits) -> Self {
        let counters = Arc::<UpstreamCounters>::default();
        let pool = Arc::new(Pool::new(habits.expire, habits.max_idle_connections));
        let transport = Transport {
            address: identity.address,
            tls: tls.zip(identity.server_name.clone()),
            pool,
            habits,
        };
        Self {
            identity,
            counters,
            transport,
            fails: AtomicU32::new(0),
            is_checked: AtomicBool::new(false),
        }
    }

    /// Asks, by whatever way it takes.
    pub(crate) async fn ask(&self, question: &OwnedQuestion) -> Result<Reply, ExchangeError> {
        let begun = Instant::now();
        let reply = exchange::ask(&self.transport, &self.counters, question).await;
        match &reply {
            Ok(reply) => {
                let code = reply.metadata.response_code;
                self.counters.observe(code, begun.elapsed());
            }
            Err(_) => self.counters.unanswered.increment(),
        }
        reply
    }
}
