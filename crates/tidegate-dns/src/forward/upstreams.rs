//! The servers to ask, and in which order.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::{OwnAddresses, Upstreams, resolv_conf};

/// How often, at most, the file is read again. It is only read when there is something to ask.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long a server that didn't answer is asked last.
const REST: Duration = Duration::from_secs(10);

/// A server that questions are passed on to.
#[derive(Debug)]
pub(super) struct Upstream {
    pub(super) address: SocketAddr,
    rests_until: StdMutex<Option<Instant>>,
}

#[derive(Debug)]
pub(super) struct UpstreamList {
    source: Upstreams,
    own: OwnAddresses,
    current: Mutex<Current>,
}

#[derive(Debug, Default)]
struct Current {
    read: Option<Instant>,
    addresses: Vec<SocketAddr>,
    upstreams: Vec<Arc<Upstream>>,
}

impl UpstreamList {
    pub(super) fn new(source: Upstreams, own: OwnAddresses) -> Self {
        Self {
            source,
            own,
            current: Mutex::default(),
        }
    }

    /// The servers in their order, those that failed lately last.
    pub(super) async fn in_order(&self) -> Vec<Arc<Upstream>> {
        let mut current = self.current.lock().await;
        if current
            .read
            .is_none_or(|read| read.elapsed() >= READ_AGAIN_AFTER)
        {
            current.read = Some(Instant::now());
            if let Some(addresses) = self.addresses().await
                && addresses != current.addresses
            {
                current.upstreams = self.upstreams(&addresses);
                current.addresses = addresses;
            }
        }
        let mut upstreams = current.upstreams.clone();
        drop(current);
        upstreams.sort_by_key(|upstream| upstream.is_resting());
        upstreams
    }

    /// What the source says now; `None` if it can't be read, and then the last list stays.
    async fn addresses(&self) -> Option<Vec<SocketAddr>> {
        match &self.source {
            Upstreams::Fixed(addresses) => Some(addresses.clone()),
            Upstreams::ResolvConf(path) => read(path).await,
        }
    }

    fn upstreams(&self, addresses: &[SocketAddr]) -> Vec<Arc<Upstream>> {
        let (own, others): (Vec<_>, Vec<_>) = addresses
            .iter()
            .copied()
            .partition(|address| self.own.includes(*address));
        for address in own {
            tracing::warn!(%address, "this name server of the host is tidegate itself; it is not asked");
        }
        tracing::info!(name_servers = ?others, "names outside the cluster are asked for here");
        others
            .into_iter()
            .map(Upstream::new)
            .map(Arc::new)
            .collect()
    }
}

async fn read(path: &Path) -> Option<Vec<SocketAddr>> {
    match tokio::fs::read(path).await {
        Ok(text) => Some(resolv_conf::name_servers(&String::from_utf8_lossy(&text))),
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the list of name servers can't be read");
            None
        }
    }
}

impl Upstream {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            rests_until: StdMutex::default(),
        }
    }

    /// Asks this server last for a while.
    pub(super) fn rest(&self) {
        *self.rests_until() = Some(Instant::now() + REST);
    }

    fn is_resting(&self) -> bool {
        self.rests_until()
            .is_some_and(|until| Instant::now() < until)
    }

    fn rests_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl OwnAddresses {
    /// Whether a query to this address would come back to us.
    fn includes(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let port = address.port();
        let is_listening = |own: &SocketAddr| {
            let own_ip = own.ip().to_canonical();
            own.port() == port && (own_ip == ip || own_ip.is_unspecified() && is_of_this_host(ip))
        };
        let is_advertised_port = port == 53 || self.listening.iter().any(|own| own.port() == port);
        self.listening.iter().any(is_listening)
            || is_advertised_port && self.advertised.contains(&ip)
    }
}

/// Only a host's own addresses can be bound.
fn is_of_this_host(ip: IpAddr) -> bool {
    UdpSocket::bind((ip, 0)).is_ok()
}
