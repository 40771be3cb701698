//! Where the queries that come to one address are answered.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};
use tidegate_dns_wire::{Code, LowerName, Query, Reply, Transport, Unanswerable};

use crate::block::{Asked, Block, Progress};
use crate::observe::DeskCounters;
use crate::replies::Replies;

/// Answers queries with the server block whose zone is the longest that the name is in. The blocks
/// change while it works; a query is answered by those of the moment when it came.
#[derive(Debug)]
pub(crate) struct Desk {
    blocks: ArcSwap<Blocks>,
    pub(crate) counters: DeskCounters,
}

/// Zones with their blocks, those with more labels first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks(Vec<(LowerName, Arc<Block>)>);

/// The blocks of one moment.
pub(crate) struct View<'d> {
    blocks: Guard<Arc<Blocks>>,
    counters: &'d DeskCounters,
}

/// Where a query came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) client: SocketAddr,
    pub(crate) transport: Transport,
    /// Which of the places for counters is this thread's.
    pub(crate) worker: usize,
}

/// What is left to do for a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing but to send the reply, if there is one.
    Done,
    /// To wait for others.
    Slow,
}

impl Blocks {
    pub(crate) fn new(mut zones: Vec<(LowerName, Arc<Block>)>) -> Self {
        zones.sort_by_key(|(zone, _)| std::cmp::Reverse(zone.count()));
        Self(zones)
    }

    #[inline]
    fn find(&self, name: &LowerName) -> Option<&Arc<Block>> {
        let mut zones = self.0.iter();
        let found = zones.find(|(zone, _)| name.labels_before(zone).is_some());
        found.map(|(_, block)| block)
    }
}

impl Desk {
    pub(crate) fn new(blocks: Blocks) -> Self {
        Self {
            blocks: ArcSwap::from_pointee(blocks),
            counters: DeskCounters::default(),
        }
    }

    /// Has queries answered by other blocks from now on.
    pub(crate) fn set(&self, blocks: Blocks) {
        self.blocks.store(Arc::new(blocks));
    }

    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        View {
            blocks: self.blocks.load(),
            counters: &self.counters,
        }
    }
}

impl View<'_> {
    /// Answers what can be answered at once, behind what is in `out`; nothing is written for a
    /// packet that gets no reply.
    #[inline]
    pub(crate) fn begin(
        &self,
        packet: &[u8],
        origin: Origin,
        began: Instant,
        out: &mut Vec<u8>,
    ) -> Step {
        let query = match Query::read(packet, origin.transport) {
            Ok(query) => query,
            Err(Unanswerable::Ignored) => {
                self.counters.ignored.increment();
                return Step::Done;
            }
            Err(Unanswerable::Header(header, code)) => {
                self.counters.malformed.increment();
                Reply::refuse_header(header, code, out);
                return Step::Done;
            }
        };
        let asked = Asked {
            query: &query,
            origin,
            began,
        };
        let block = self.blocks.find(&query.name);
        let refusal = match block {
            Some(_) => query.refusal,
            None => Some(Code::REFUSED),
        };
        if let Some(code) = refusal {
            self.counters.refused.increment();
            Reply::refuse(&query, code, out);
            return Step::Done;
        }
        match block.map(|block| block.begin(&asked, out)) {
            Some(Progress::Waiting) => Step::Slow,
            Some(Progress::Done) | None => Step::Done,
        }
    }

    /// The replies to a query that has to wait for others; more than one only for a zone transfer.
    pub(crate) fn finish(
        &self,
        packet: &[u8],
        origin: Origin,
        began: Instant,
    ) -> impl Future<Output = Replies> + Send + 'static {
        let packet = packet.to_vec();
        let query = Query::read(&packet, origin.transport).ok();
        let block = query.and_then(|query| self.blocks.find(&query.name).cloned());
        async move {
            match block {
                Some(block) => block.finish(packet, origin, began).await,
                None => Replies::default(),
            }
        }
    }
}
