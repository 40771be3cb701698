//! The servers that are asked, as the settings and the host's file have them now.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::sync::Mutex;

use super::{Habits, Identity, Upstream, resolv_conf, tls};
use crate::own_addresses::OwnAddresses;
use crate::settings::{SetupError, Tls, UpstreamSource};

/// How often, at most, a file is read again. It is only read when there is something to ask.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The servers that are asked.
#[derive(Debug)]
pub(crate) struct UpstreamList {
    sources: Vec<Source>,
    own: OwnAddresses,
    tls: Option<Arc<ClientConfig>>,
    habits: Habits,
    current: RwLock<Vec<Arc<Upstream>>>,
    reading: Mutex<Reading>,
}

/// A source of the settings, with its names resolved.
#[derive(Debug)]
enum Source {
    File(Box<Path>),
    Server(Identity),
}

/// What was read last of the files.
#[derive(Debug, Default)]
struct Reading {
    at: Option<Instant>,
    /// For each source what it had; nothing, if it could never be read.
    found: Vec<Option<Vec<SocketAddr>>>,
}

impl UpstreamList {
    pub(crate) fn new(
        sources: &[UpstreamSource],
        tls: &Tls,
        habits: Habits,
        own: OwnAddresses,
    ) -> Result<Self, SetupError> {
        let fallback = tls.server_name.as_deref();
        let sources = sources
            .iter()
            .map(|source| Source::new(source, fallback))
            .collect::<Result<Vec<_>, _>>()?;
        let needs_tls = |source: &Source| match source {
            Source::File(_) => false,
            Source::Server(identity) => identity.server_name.is_some(),
        };
        let configuration = match sources.iter().any(needs_tls) {
            true => Some(tls::configuration(tls)?),
            false => None,
        };
        let list = Self {
            sources,
            own,
            tls: configuration,
            habits,
            current: RwLock::default(),
            reading: Mutex::default(),
        };
        if !list.has_files() {
            list.replace(&[]);
        }
        Ok(list)
    }

    /// The servers in the order of the settings.
    pub(crate) async fn current(&self) -> Vec<Arc<Upstream>> {
        if self.has_files() {
            self.read_again().await;
        }
        self.known()
    }

    /// The servers as they were when somebody was asked last.
    pub(crate) fn known(&self) -> Vec<Arc<Upstream>> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn has_files(&self) -> bool {
        self.sources
            .iter()
            .any(|source| matches!(source, Source::File(_)))
    }

    async fn read_again(&self) {
        let mut reading = self.reading.lock().await;
        if reading.at.is_some_and(|at| at.elapsed() < READ_AGAIN_AFTER) {
            return;
        }
        reading.at = Some(Instant::now());
        let mut found = Vec::with_capacity(self.sources.len());
        for (place, source) in self.sources.iter().enumerate() {
            let before = reading.found.get(place).cloned().flatten();
            found.push(match source {
                Source::Server(_) => None,
                // What can't be read has not changed, as far as we know.
                Source::File(path) => read(path).await.or(before),
            });
        }
        if found != reading.found {
            self.replace(&found);
            reading.found = found;
        }
    }

    /// Takes up what was found in files, by source. A server that stays keeps its connections, its
    /// health and its counters.
    fn replace(&self, found: &[Option<Vec<SocketAddr>>]) {
        let mut identities = Vec::new();
        for (place, source) in self.sources.iter().enumerate() {
            match source {
                Source::Server(identity) => identities.push(identity.clone()),
                Source::File(_) => {
                    let addresses = found.get(place).cloned().flatten().unwrap_or_default();
                    identities.extend(addresses.into_iter().map(Identity::plain));
                }
            }
        }
        identities.retain(|identity| {
            let is_own = self.own.includes(identity.address);
            if is_own {
                let address = identity.address;
                tracing::warn!(%address, "this name server is tidegate itself; it is not asked");
            }
            !is_own
        });
        let addresses: Vec<_> = identities.iter().map(|identity| identity.address).collect();
        tracing::info!(name_servers = ?addresses, "names outside the cluster are asked for here");
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let earlier = std::mem::take(&mut *current);
        *current = identities
            .into_iter()
            .map(|identity| {
                let same = earlier.iter().find(|other| other.identity == identity);
                same.cloned().unwrap_or_else(|| {
                    let tls = self.tls.clone();
                    Arc::new(Upstream::new(identity, tls, self.habits))
                })
            })
            .collect();
    }
}

impl Source {
    fn new(source: &UpstreamSource, fallback: Option<&str>) -> Result<Self, SetupError> {
        Ok(match source {
            UpstreamSource::ResolvConf(path) => Self::File(path.as_path().into()),
            UpstreamSource::Plain(address) => Self::Server(Identity::plain(*address)),
            UpstreamSource::Tls {
                address,
                server_name,
            } => {
                let name = match server_name.as_deref().or(fallback) {
                    Some(name) => tls::server_name(name)?,
                    None => ServerName::from(IpAddr::to_canonical(&address.ip())),
                };
                Self::Server(Identity {
                    address: *address,
                    server_name: Some(name),
                })
            }
        })
    }
}

impl Identity {
    fn plain(address: SocketAddr) -> Self {
        Self {
            address,
            server_name: None,
        }
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
