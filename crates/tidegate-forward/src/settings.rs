//! What a resolver is told: whom to ask, how, and what to keep.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use crate::cache::CacheSettings;
use crate::zone_name::ZoneName;

/// How a resolver asks. The defaults are CoreDNS's, where nothing else is said.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whom to ask. With nobody, every question fails at once.
    pub upstreams: Vec<UpstreamSource>,
    /// Which of them first.
    pub policy: Policy,
    /// Asks over TCP always.
    pub force_tcp: bool,
    /// Asks over UDP first also when the whole reply is wanted, and then over TCP whenever a reply
    /// was cut off. `force_tcp` has precedence.
    pub prefer_udp: bool,
    /// How many failed health checks make an upstream be taken for down. With 0 none ever is, and
    /// none is checked.
    pub max_fails: u32,
    /// How upstreams that failed are checked.
    pub health_check: HealthCheck,
    /// With every upstream down, fails at once rather than asking one of them in spite of that.
    pub fail_fast: bool,
    /// Response codes that are no last word while another upstream can be asked. By default, other
    /// than CoreDNS's, those of a server that can't or won't help: SERVFAIL, NOTIMP and REFUSED.
    pub failover: Vec<ResponseCode>,
    /// Response codes with which the caller asks another resolver, if it has one; see
    /// [`Resolver::passes_on`](crate::Resolver::passes_on).
    pub next: Vec<ResponseCode>,
    /// How many questions may wait at one time; more are refused. Each may hold a socket, so the
    /// limit of open files has to be above this. 0 is no limit. The default is what Kubernetes'
    /// installers set.
    pub max_concurrent: usize,
    /// How long one upstream may take before the next one is asked.
    pub patience: Duration,
    /// How long all upstreams together may take.
    pub deadline: Duration,
    /// How long an unused TCP or TLS connection is kept.
    pub expire: Duration,
    /// How many unused connections to one upstream are kept; 0 is no limit.
    pub max_idle_connections: usize,
    /// How upstreams with TLS are known, and how we are known to them.
    pub tls: Tls,
    /// What is remembered; nothing, if there is none.
    pub cache: Option<CacheSettings>,
}

/// Where upstreams come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamSource {
    /// The name servers of a file like `/etc/resolv.conf`, which is read again when it changes.
    ResolvConf(PathBuf),
    /// A server that is asked over UDP and TCP.
    Plain(SocketAddr),
    /// A server that is asked over TLS (RFC 7858).
    Tls {
        /// Where it is.
        address: SocketAddr,
        /// The name that its certificate must have; without one that of [`Tls::server_name`], and
        /// without that its IP address.
        server_name: Option<String>,
    },
}

/// In which order upstreams are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// In a new random order for each question.
    #[default]
    Random,
    /// Each question begins with the one after that with which the last question began.
    RoundRobin,
    /// In the order of the settings.
    Sequential,
}

/// How an upstream that failed is checked, until it answers again. Any answer will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// The time between two checks.
    pub interval: Duration,
    /// Whether the query desires recursion (the RD flag).
    pub recursion_desired: bool,
    /// The name whose NS records are asked for.
    pub domain: ZoneName,
}

/// How TLS connections are made. All texts are PEM.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// The authorities that certificates must come from; without any, those that the host trusts.
    pub authorities: Option<Vec<u8>>,
    /// What we show to upstreams that ask who we are.
    pub client: Option<ClientCertificate>,
    /// The name that certificates must have, where the upstream has none of its own.
    pub server_name: Option<String>,
}

/// A certificate of ours and its key, both in PEM.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate, followed by those that lead to its authority.
    pub chain: Vec<u8>,
    /// Its private key.
    pub key: Vec<u8>,
}

/// Why a resolver can't be made of its settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is nothing to tell true upstreams from false ones by.
    #[error(
        "no certificate authority can be read from {origin}: upstreams with TLS need one that \
         vouches for them"
    )]
    NoAuthorities {
        /// Where authorities were looked for.
        origin: &'static str,
    },
    /// A certificate or key is no such thing.
    #[error("the {what} for TLS to upstreams can't be read: {reason}")]
    UnreadablePem {
        /// Which one.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS refuses what it was given.
    #[error("TLS to upstreams can't be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// A name that no certificate can have.
    #[error("{name:?} is no name that a TLS certificate can have: write it like dns.example.org")]
    InvalidServerName {
        /// The name.
        name: String,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            upstreams: vec![UpstreamSource::ResolvConf(PathBuf::from(
                "/etc/resolv.conf",
            ))],
            policy: Policy::default(),
            force_tcp: false,
            prefer_udp: false,
            max_fails: 2,
            health_check: HealthCheck::default(),
            fail_fast: false,
            failover: vec![
                ResponseCode::ServFail,
                ResponseCode::NotImp,
                ResponseCode::Refused,
            ],
            next: Vec::new(),
            max_concurrent: 1000,
            patience: Duration::from_secs(2),
            deadline: Duration::from_secs(5),
            expire: Duration::from_secs(10),
            max_idle_connections: 0,
            tls: Tls::default(),
            cache: None,
        }
    }
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(500),
            recursion_desired: true,
            domain: ZoneName::root(),
        }
    }
}

impl std::fmt::Debug for ClientCertificate {
    /// Without the key, which belongs into no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClientCertificate")
            .finish_non_exhaustive()
    }
}
