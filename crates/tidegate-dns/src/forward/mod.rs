//! Questions for other servers: passed on, and their replies passed back unread.
//!
//! The reply's bytes reach the client as they came, but for the identifier. What is checked is
//! only that they answer the question that was asked.

mod exchange;
mod in_flight;
mod resolv_conf;
#[cfg(test)]
mod tests;
mod upstreams;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use exchange::ExchangeError;
use in_flight::InFlight;
use upstreams::UpstreamList;

/// Which servers are asked about names outside the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upstreams {
    /// The name servers of a file like `/etc/resolv.conf`, which is read again when it changes.
    ResolvConf(PathBuf),
    /// These, in this order; with none, every such question gets SERVFAIL at once.
    Fixed(Vec<SocketAddr>),
}

/// How other servers are asked.
#[derive(Clone, Debug)]
pub struct ForwardSettings {
    /// Whom to ask.
    pub upstreams: Upstreams,
    /// How long one server may take before the next one is asked.
    pub patience: Duration,
    /// How many questions may wait for other servers at one time; more are refused. Each may hold
    /// a socket, so the limit of open files has to be above this.
    pub max_waiting: usize,
}

impl Default for ForwardSettings {
    fn default() -> Self {
        Self {
            upstreams: Upstreams::ResolvConf(PathBuf::from("/etc/resolv.conf")),
            patience: Duration::from_secs(2),
            max_waiting: 1000,
        }
    }
}

/// Why no other server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ForwardError {
    #[error("there is no name server to ask: add one to the resolver configuration")]
    NoUpstream,
    #[error("no name server answered in time")]
    NobodyAnswered,
    #[error("the query can't be read, so nobody was asked")]
    UnreadableQuery,
}

/// The addresses under which this server itself is reached: nothing is forwarded there.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnAddresses {
    pub(crate) listening: Vec<SocketAddr>,
    pub(crate) advertised: Vec<IpAddr>,
}

/// Passes questions on.
#[derive(Debug)]
pub(crate) struct Forwarder {
    asker: Arc<Asker>,
    in_flight: InFlight,
    waiting: Arc<Semaphore>,
}

#[derive(Debug)]
struct Asker {
    upstreams: UpstreamList,
    patience: Duration,
}

impl Forwarder {
    pub(crate) fn new(settings: ForwardSettings, own: OwnAddresses) -> Self {
        Self {
            asker: Arc::new(Asker {
                upstreams: UpstreamList::new(settings.upstreams, own),
                patience: settings.patience,
            }),
            in_flight: InFlight::default(),
            waiting: Arc::new(Semaphore::new(
                settings.max_waiting.min(Semaphore::MAX_PERMITS),
            )),
        }
    }

    /// A place among those who wait; `None` if all are taken.
    pub(crate) fn admit(&self) -> Option<Admission> {
        Arc::clone(&self.waiting)
            .try_acquire_owned()
            .ok()
            .map(Admission)
    }

    /// Asks for a reply to a query packet and gives it back under the query's own identifier.
    ///
    /// A reply that was cut off is fetched again over TCP if it is wanted `whole`. The same query
    /// from several clients at one time is asked once, which also keeps a resolver that
    /// forwards back to us from setting off an avalanche.
    pub(crate) async fn ask(
        &self,
        admission: Admission,
        query: Vec<u8>,
        whole: bool,
    ) -> Result<Vec<u8>, ForwardError> {
        let id = identifier(&query);
        let mut key = query;
        set_identifier(&mut key, [0, 0]);
        let asker = Arc::clone(&self.asker);
        let mut reply = self
            .in_flight
            .join((key, whole), admission, |(query, whole)| async move {
                asker.ask(&query, whole).await
            })
            .await?;
        set_identifier(&mut reply, id);
        Ok(reply)
    }
}

/// The right to wait for other servers, given back when dropped.
#[derive(Debug)]
pub(crate) struct Admission(
    #[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit,
);

impl Asker {
    /// Asks one server after the other. A server that can't or won't help (SERVFAIL, REFUSED) is
    /// no last word while another can still be asked.
    async fn ask(&self, query: &[u8], whole: bool) -> Result<Vec<u8>, ForwardError> {
        let upstreams = self.upstreams.in_order().await;
        if upstreams.is_empty() {
            return Err(ForwardError::NoUpstream);
        }
        let mut unhelpful = None;
        for upstream in upstreams {
            match exchange::ask(upstream.address, query, whole, self.patience).await {
                Ok(reply) if is_unhelpful(&reply) => unhelpful = unhelpful.or(Some(reply)),
                Ok(reply) => return Ok(reply),
                Err(ExchangeError::Query(_)) => return Err(ForwardError::UnreadableQuery),
                Err(error) => {
                    tracing::debug!(upstream = %upstream.address, %error, "a name server didn't answer");
                    upstream.rest();
                }
            }
        }
        unhelpful.ok_or(ForwardError::NobodyAnswered)
    }
}

fn is_unhelpful(reply: &[u8]) -> bool {
    let code = reply
        .get(3)
        .map(|flags| ResponseCode::from_low(flags & 0x0f));
    matches!(
        code,
        Some(ResponseCode::ServFail | ResponseCode::Refused | ResponseCode::NotImp)
    )
}

fn identifier(message: &[u8]) -> [u8; 2] {
    match message {
        [high, low, ..] => [*high, *low],
        _ => [0, 0],
    }
}

fn set_identifier(message: &mut [u8], id: [u8; 2]) {
    if let Some(place) = message.first_chunk_mut() {
        *place = id;
    }
}
