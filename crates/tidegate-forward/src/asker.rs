//! One upstream after the other, until one of them has an answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rand::seq::{IndexedRandom, SliceRandom};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::counters::Counters;
use crate::own_addresses::OwnAddresses;
use crate::question::OwnedQuestion;
use crate::resolver::ResolveError;
use crate::settings::{Policy, Settings, SetupError};
use crate::stored::Reply;
use crate::upstream::{Habits, HealthChecker, Upstream, UpstreamList};

/// Asks upstreams, in the order of the policy and without those that are down.
#[derive(Debug)]
pub(crate) struct Asker {
    settings: Settings,
    counters: Arc<Counters>,
    upstreams: UpstreamList,
    health: HealthChecker,
    turn: AtomicUsize,
}

/// How often each upstream is asked one question, while all that comes back is nothing.
const ROUNDS: usize = 2;

impl Asker {
    pub(crate) fn new(
        settings: Settings,
        own: OwnAddresses,
        counters: Arc<Counters>,
        runtime: Handle,
    ) -> Result<Self, SetupError> {
        let habits = Habits {
            force_tcp: settings.force_tcp,
            prefer_udp: settings.prefer_udp,
            patience: settings.patience,
            expire: settings.expire,
            max_idle_connections: settings.max_idle_connections,
        };
        let upstreams = UpstreamList::new(&settings.upstreams, &settings.tls, habits, own)?;
        let check = settings.health_check.clone();
        let health = HealthChecker::new(check, settings.max_fails, runtime);
        Ok(Self {
            settings,
            counters,
            upstreams,
            health,
            turn: AtomicUsize::new(0),
        })
    }

    /// The upstreams as they were when somebody was asked last.
    pub(crate) fn upstreams(&self) -> Vec<Arc<Upstream>> {
        self.upstreams.known()
    }

    /// Asks one upstream after the other.
    pub(crate) async fn ask(&self, question: &OwnedQuestion) -> Result<Reply, ResolveError> {
        let deadline = Instant::now() + self.settings.deadline;
        let mut upstreams = self.upstreams.current().await;
        if upstreams.is_empty() {
            return Err(ResolveError::NoUpstream);
        }
        self.put_in_order(&mut upstreams);
        let mut last_word = None;
        for _ in 0..ROUNDS {
            for upstream in self.worth_asking(&upstreams)? {
                let Ok(reply) = timeout_at(deadline, upstream.ask(question)).await else {
                    upstream.counters.unanswered.increment();
                    self.health.watch(&upstream);
                    return last_word.ok_or(ResolveError::NobodyAnswered);
                };
                match reply {
                    Ok(reply) if self.is_no_last_word(&reply) => last_word = Some(reply),
                    Ok(reply) => return Ok(reply),
                    Err(error) => {
                        let address = upstream.identity.address;
                        tracing::debug!(upstream = %address, %error, "a name server failed");
                        self.health.watch(&upstream);
                    }
                }
            }
            if let Some(reply) = last_word {
                return Ok(reply);
            }
        }
        Err(ResolveError::NobodyAnswered)
    }

    fn put_in_order(&self, upstreams: &mut [Arc<Upstream>]) {
        match self.settings.policy {
            Policy::Sequential => {}
            Policy::Random => upstreams.shuffle(&mut rand::rng()),
            Policy::RoundRobin => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                upstreams.rotate_left(turn % upstreams.len());
            }
        }
    }

    /// Those that are not down. If all are, then the checks may be what is broken: any one of them
    /// is asked in spite of that.
    fn worth_asking(
        &self,
        upstreams: &[Arc<Upstream>],
    ) -> Result<Vec<Arc<Upstream>>, ResolveError> {
        let mut worth = upstreams.to_vec();
        worth.retain(|upstream| !self.health.is_down(upstream));
        if worth.is_empty() {
            self.counters.all_upstreams_down.increment();
            if self.settings.fail_fast {
                return Err(ResolveError::AllDown);
            }
            worth.extend(upstreams.choose(&mut rand::rng()).cloned());
        }
        Ok(worth)
    }

    fn is_no_last_word(&self, reply: &Reply) -> bool {
        let code = reply.metadata.response_code;
        self.settings.failover.contains(&code)
    }
}
