//! Questions that other servers answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::upstream::is_server_name;
use super::{Rcode, Upstream, UpstreamTransport};
use crate::check::Report;
use crate::duration;
use crate::zone_name::ZoneName;

/// Questions that other servers answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Forward {
    /// The domain whose names are passed on.
    pub from: ZoneName,
    /// The servers, 15 at most.
    pub to: Vec<Upstream>,
    /// Domains below `from` whose names are not passed on.
    pub except: Vec<ZoneName>,
    /// Whether TCP is used also for what came in over UDP.
    pub force_tcp: bool,
    /// Whether UDP is tried first also for what came in over TCP. `force_tcp` goes before it.
    pub prefer_udp: bool,
    /// How long a connection that nobody uses is kept.
    #[serde(with = "duration")]
    pub expire: Duration,
    /// How many connections that nobody uses are kept for each server; 0 for any number.
    pub max_idle_conns: u32,
    /// After how many failed checks in a row a server counts as dead; 0 for never, and without
    /// checks.
    pub max_fails: u32,
    /// How to speak TLS to all servers that are spoken to with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsFiles>,
    /// The name that the certificate of each of these servers must be for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// Which server is asked first.
    pub policy: Policy,
    /// How to find out whether a server that failed is back.
    pub health_check: HealthCheck,
    /// How many questions may wait for an answer at one time; more are answered with REFUSED. Any
    /// number where it isn't set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent: Option<u32>,
    /// The codes upon which the next `forward` of the server block is asked.
    pub next: Vec<Rcode>,
    /// Whether the answer is SERVFAIL at once when all servers are dead, instead of trying one.
    pub failfast_all_unhealthy_upstreams: bool,
    /// The codes upon which the next server is asked.
    pub failover: Vec<Rcode>,
}

/// How to speak TLS. Files that aren't set are not used: then the authorities are the system's, and
/// the client isn't known by a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsFiles {
    /// The file of the client's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The file of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The file of the authority that the servers' certificates are from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
}

/// Which server is asked first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Policy {
    /// Any.
    #[default]
    Random,
    /// Each in its turn.
    RoundRobin,
    /// The first that isn't dead, in the order of the file.
    Sequential,
}

/// How to find out whether a server that failed is back: by a question for the name servers of a
/// domain, which any answer will do for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// How often to ask.
    #[serde(with = "duration")]
    pub interval: Duration,
    /// Whether the question wants recursion.
    pub recursion_desired: bool,
    /// The domain.
    pub domain: ZoneName,
}

impl Forward {
    /// The most servers that one `forward` may have.
    pub const MOST_UPSTREAMS: usize = 15;

    pub(crate) fn check(&self, report: Report<'_>) {
        if self.to.is_empty() {
            let text = "there is no server to pass questions on to; give one";
            report("to", text.to_owned());
        }
        if self.to.len() > Self::MOST_UPSTREAMS {
            let (count, most) = (self.to.len(), Self::MOST_UPSTREAMS);
            report(
                "to",
                format!("{count} servers are more than {most}; remove some"),
            );
        }
        if self.health_check.interval.is_zero() {
            let text = "the interval is zero; give one, as in \"500ms\"";
            report("healthCheck.interval", text.to_owned());
        }
        if self.max_concurrent == Some(0) {
            let text = "0 would pass on nothing; leave it out for any number";
            report("maxConcurrent", text.to_owned());
        }
        if self.failover.contains(&Rcode::NOERROR) {
            let text = "NOERROR can't be a failure; remove it";
            report("failover", text.to_owned());
        }
        self.check_tls(report);
    }

    fn check_tls(&self, report: Report<'_>) {
        if let Some(name) = &self.tls_server_name {
            if !is_server_name(name) {
                let text = format!("{name:?} is no name of a server; give the certificate's name");
                report("tlsServerName", text);
            }
            let has_own_name = |upstream: &Upstream| {
                matches!(
                    upstream,
                    Upstream::Server {
                        transport: UpstreamTransport::Tls {
                            server_name: Some(_)
                        },
                        ..
                    }
                )
            };
            if self.to.iter().any(has_own_name) {
                let text = "a server has a name of its own behind a \"%\"; use one way for all";
                report("tlsServerName", text.to_owned());
            }
        }
        if let Some(tls) = &self.tls
            && tls.certificate.is_some() != tls.key.is_some()
        {
            let text = "a certificate and its key go together; give both or neither";
            report("tls", text.to_owned());
        }
    }
}

impl Default for Forward {
    fn default() -> Self {
        Self {
            from: ZoneName::root(),
            to: Vec::new(),
            except: Vec::new(),
            force_tcp: false,
            prefer_udp: false,
            expire: Duration::from_secs(10),
            max_idle_conns: 0,
            max_fails: 2,
            tls: None,
            tls_server_name: None,
            policy: Policy::default(),
            health_check: HealthCheck::default(),
            max_concurrent: None,
            next: Vec::new(),
            failfast_all_unhealthy_upstreams: false,
            failover: Vec::new(),
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
