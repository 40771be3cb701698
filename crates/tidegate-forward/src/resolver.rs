//! One `forward` with its `cache`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::asker::Asker;
use crate::cache::{Cache, Entries, Lookup};
use crate::counters::{Counters, UpstreamCounters};
use crate::in_flight::{Duty, InFlight};
use crate::own_addresses::OwnAddresses;
use crate::question::{OwnedQuestion, Question};
use crate::settings::{Settings, SetupError};
use crate::stored::{NormaliseError, Reply, Stored};
use crate::upstream::{Protocol, Upstream};

/// What comes of a question.
pub(crate) type Answer = Result<Arc<Stored>, ResolveError>;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// Too many questions wait already. The client gets REFUSED, as from CoreDNS.
    #[error("too many questions wait for other servers already: raise max_concurrent if need be")]
    TooMany,
    /// There is nobody to ask. The client gets SERVFAIL.
    #[error("there is no name server to ask: add one to the resolver configuration")]
    NoUpstream,
    /// Nobody answered usably in time. The client gets SERVFAIL.
    #[error("no name server answered in time")]
    NobodyAnswered,
    /// All are down, and asking one in spite of that is not wanted. The client gets SERVFAIL.
    #[error("all name servers are down")]
    AllDown,
    /// The name is none, or has capital letters: see [`Question::name`]. The client gets FORMERR.
    #[error("the question's name can't be read, so nobody was asked")]
    InvalidName,
    /// Zone transfers are many messages, and are not passed on. The client gets REFUSED.
    #[error("zone transfers are not passed on: ask the zone's own server")]
    Transfer,
}

/// Asks other servers, and remembers what they said.
#[derive(Debug)]
pub struct Resolver {
    asker: Asker,
    cache: Option<Cache>,
    counters: Arc<Counters>,
    next: Vec<ResponseCode>,
    in_flight: InFlight,
    places: Arc<Semaphore>,
    runtime: Handle,
}

/// The types of zone transfers: IXFR and AXFR (RFC 1995, RFC 1035).
const TRANSFERS: [u16; 2] = [251, 252];

impl Resolver {
    /// A resolver whose tasks run on `runtime`. It asks nobody before it is asked itself.
    ///
    /// Its health checks end when it is dropped, questions on their way when their time is over.
    ///
    /// # Errors
    ///
    /// Says what of the settings for TLS can't be used.
    pub fn new(
        mut settings: Settings,
        own: OwnAddresses,
        runtime: Handle,
    ) -> Result<Arc<Self>, SetupError> {
        let places = match settings.max_concurrent {
            0 => Semaphore::MAX_PERMITS,
            limit => limit.min(Semaphore::MAX_PERMITS),
        };
        let counters = Arc::<Counters>::default();
        let cache = settings.cache.take();
        Ok(Arc::new(Self {
            cache: cache.map(|settings| Cache::new(settings, &counters)),
            next: std::mem::take(&mut settings.next),
            asker: Asker::new(settings, own, Arc::clone(&counters), runtime.clone())?,
            counters,
            in_flight: InFlight::default(),
            places: Arc::new(Semaphore::new(places)),
            runtime,
        }))
    }

    /// What is known already. Neither waits nor allocates.
    pub fn cached(&self, question: &Question<'_>, now: Instant) -> Lookup {
        match &self.cache {
            Some(cache) => cache.look_up(question, now),
            None => Lookup::Miss,
        }
    }

    /// Asks an upstream, and remembers the answer. Equal questions at one time are asked once.
    ///
    /// An answer that has outlived its TTL is better than none, where the settings say so.
    ///
    /// # Errors
    ///
    /// Says why there is no answer; each error says what a client should get then.
    pub async fn resolve(self: &Arc<Self>, question: OwnedQuestion) -> Answer {
        let place = self.admit(&question)?;
        let (answer, duty) = self.in_flight.join(&question);
        // The place of the one who asks is held until the answer is there, whether or not its
        // client still waits: sockets in use never outnumber places. All others hold their own.
        let own_place = match duty {
            Some(duty) => {
                self.ask_in_background(duty, place);
                None
            }
            None => {
                self.counters.shared.increment();
                Some(place)
            }
        };
        let now = Instant::now();
        let lent = question.as_question();
        let answer = match self.patience_with_stale(&lent, now) {
            Some(patience) => timeout(patience, answer).await,
            None => Ok(answer.await),
        };
        drop(own_place);
        match answer {
            Ok(Ok(Ok(answer))) if !is_failure(answer.response_code()) && !answer.truncated() => {
                Ok(answer)
            }
            Ok(Ok(answer)) => self.in_need(&lent, now).map_or(answer, Ok),
            // The one who asked is gone, or there is something to give before they are back.
            Ok(Err(_)) | Err(_) => self.in_need(&lent, now).ok_or(ResolveError::NobodyAnswered),
        }
    }

    /// Asks again for what the cache has given, on a task of its own, unless too many wait already.
    ///
    /// The answer is wanted whole, whatever the question says: nothing else can be kept.
    pub fn refresh(self: &Arc<Self>, mut question: OwnedQuestion) {
        question.whole = true;
        let Ok(place) = self.admit(&question) else {
            return;
        };
        if let (_, Some(duty)) = self.in_flight.join(&question) {
            self.ask_in_background(duty, place);
        }
    }

    /// Whether a caller that has another resolver for the name asks that one, after this answer.
    pub fn passes_on(&self, code: ResponseCode) -> bool {
        self.next.contains(&code)
    }

    /// What it has done so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What it has done so far with each upstream. An upstream that is no longer in the host's
    /// file is not here either.
    pub fn upstreams(&self) -> Vec<(SocketAddr, Protocol, Arc<UpstreamCounters>)> {
        let known = self.asker.upstreams();
        let describe = |upstream: &Arc<Upstream>| {
            let identity = &upstream.identity;
            let counters = Arc::clone(&upstream.counters);
            (identity.address, identity.protocol(), counters)
        };
        known.iter().map(describe).collect()
    }

    /// How much it remembers.
    pub fn entries(&self) -> Entries {
        self.cache.as_ref().map(Cache::entries).unwrap_or_default()
    }

    fn admit(&self, question: &OwnedQuestion) -> Result<OwnedSemaphorePermit, ResolveError> {
        if !question.as_question().is_well_formed() {
            return Err(ResolveError::InvalidName);
        }
        if TRANSFERS.contains(&question.kind) {
            return Err(ResolveError::Transfer);
        }
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            self.counters.concurrency_rejects.increment();
            ResolveError::TooMany
        })
    }

    fn ask_in_background(self: &Arc<Self>, duty: Duty, place: OwnedSemaphorePermit) {
        let resolver = Arc::clone(self);
        self.runtime.spawn(async move {
            let answer = resolver.ask(duty.question()).await;
            // Whoever has the answer finds room for the next question.
            drop(place);
            duty.fulfil(answer);
        });
    }

    async fn ask(&self, question: &OwnedQuestion) -> Answer {
        let reply = self.asker.ask(question).await?;
        let lent = question.as_question();
        self.keep(&lent, reply).map_err(|error| {
            tracing::warn!(%error, "a name server's reply can't be passed on");
            ResolveError::NobodyAnswered
        })
    }

    fn keep(&self, question: &Question<'_>, reply: Reply) -> Result<Arc<Stored>, NormaliseError> {
        let now = Instant::now();
        match &self.cache {
            Some(cache) => cache.store(question, reply, now),
            None => reply.pass_on(question, now).map(Arc::new),
        }
    }

    fn patience_with_stale(&self, question: &Question<'_>, now: Instant) -> Option<Duration> {
        let cache = self.cache.as_ref()?;
        cache.known(question, now)?;
        cache.patience_with_stale()
    }

    fn in_need(&self, question: &Question<'_>, now: Instant) -> Option<Arc<Stored>> {
        let cache = self.cache.as_ref()?;
        let stored = cache.known(question, now)?;
        cache.asked_in_vain(question, now);
        Some(stored)
    }
}

/// Whether a code says nothing about the name (RFC 8767, 4: all but these two).
fn is_failure(code: ResponseCode) -> bool {
    !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain)
}
