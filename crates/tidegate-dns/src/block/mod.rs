//! One server block: what becomes of a query for its zones.
//!
//! A query is answered at once where that is possible ([`Block::begin`]); otherwise it is begun
//! again on a task of its own ([`Block::finish`]), which may wait for other servers. Either way it
//! takes the same stations in the same order: rewriting, completion, hosts, the cluster, the cache,
//! other servers.

mod autopath;
mod build;
mod cluster;
mod compose;
mod finish;
mod hosts;
mod rewrite;
mod route;
mod signing;
mod transfer;
mod upstreams;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use tidegate_dns_wire::{Code, Kind, Query, Reply};
use tidegate_forward::Lookup;
use tidegate_zone::Outcome;

pub use build::BuildError;
pub(crate) use build::{Surroundings, build, lower};
pub(crate) use cluster::Cluster;
pub(crate) use route::Route;

use crate::desk::Origin;
use crate::loop_check::LoopCheck;
use crate::observe::{BlockStats, ErrorLog, QueryLog};
use crate::rate_limit::RateLimiter;
use autopath::Autopath;
use hosts::Hosts;
use rewrite::Rewriter;
use signing::Keys;
use transfer::Transfers;

/// A server block at work.
#[derive(Debug)]
pub(crate) struct Block {
    /// How metrics call it, such as `dns://:53`.
    pub(crate) server: String,
    /// Its first zone, for metrics.
    pub(crate) zone: String,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) hosts: Option<Arc<Hosts>>,
    pub(crate) routes: Vec<Route>,
    pub(crate) stats: BlockStats,
    pub(crate) log: QueryLog,
    errors: Option<ErrorLog>,
    pub(crate) loop_check: Option<Arc<LoopCheck>>,
    rewriter: Rewriter,
    autopath: Option<Autopath>,
    transfers: Transfers,
    keys: Keys,
    rate_limit: Option<RateLimiter>,
    rotates: bool,
    turn: AtomicUsize,
}

/// A query with where it came from and when.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'q> {
    pub(crate) query: &'q Query<'q>,
    pub(crate) origin: Origin,
    pub(crate) began: Instant,
}

/// How far a query has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// There is nothing more to do than to send the reply.
    Done,
    /// Others have to be waited for.
    Waiting,
}

impl Block {
    /// Answers a query if that needs no waiting.
    #[inline]
    pub(crate) fn begin(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> Progress {
        if !self.may_answer_at_once(asked) {
            return Progress::Waiting;
        }
        let start = out.len();
        match self.look_up(asked, out) {
            Progress::Done => {
                self.conclude(asked, out, start);
                Progress::Done
            }
            Progress::Waiting => {
                out.truncate(start);
                Progress::Waiting
            }
        }
    }

    /// Whether a query can be answered from the question alone.
    #[inline]
    fn may_answer_at_once(&self, asked: &Asked<'_>) -> bool {
        let query = asked.query;
        let is_transfer = matches!(query.kind, Kind::AXFR | Kind::IXFR);
        !is_transfer
            && query.signature.is_none()
            && !self.keys.require(query)
            && !self.rewriter.concerns(query)
            && !self.autopath.as_ref().is_some_and(|it| it.concerns(asked))
    }

    /// Hosts, the cluster, and what is known of others' names.
    #[inline]
    fn look_up(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> Progress {
        let query = asked.query;
        let turn = self.next_turn();
        if let Some(hosts) = &self.hosts
            && hosts.answer(query, turn, out)
        {
            return Progress::Done;
        }
        if let Some(cluster) = &self.cluster {
            let mut reply = Reply::to(query, out);
            match cluster.answer(query, turn, &mut reply) {
                Outcome::Answered => {
                    reply.finish();
                    return Progress::Done;
                }
                Outcome::Continues(_) => return Progress::Waiting,
                Outcome::NotOurs => reply.abandon(),
            }
        }
        if self
            .loop_check
            .as_ref()
            .is_some_and(|check| check.recognises(query))
        {
            Reply::refuse(query, Code::SERVER_FAILURE, out);
            return Progress::Done;
        }
        let Some(route) = self.route(query) else {
            Reply::refuse(query, Code::SERVER_FAILURE, out);
            return Progress::Done;
        };
        match route.resolver.cached(&route::question(query), asked.began) {
            Lookup::Miss => return Progress::Waiting,
            Lookup::Hit(stored) => route::write(query, &stored, asked.began, turn, out),
            Lookup::HitAndRefresh(stored) => {
                route::write(query, &stored, asked.began, turn, out);
                route
                    .resolver
                    .refresh(route::question(query).to_owned(false));
            }
        }
        Progress::Done
    }

    /// Counts, logs and limits what is about to be sent.
    #[inline]
    fn conclude(&self, asked: &Asked<'_>, out: &mut Vec<u8>, start: usize) {
        let reply = out.get(start..).unwrap_or_default();
        if reply.is_empty() {
            return;
        }
        let took = asked.began.elapsed();
        self.stats.count(asked, reply, took);
        self.log.note(asked, reply, took);
        if let Some(limiter) = &self.rate_limit {
            limiter.limit(asked, out, start);
        }
    }

    /// Who is asked about a name.
    #[inline]
    pub(crate) fn route(&self, query: &Query<'_>) -> Option<&Route> {
        self.routes.iter().find(|route| route.takes(&query.name))
    }

    /// By how many places the next answer's addresses are moved on.
    fn next_turn(&self) -> usize {
        match self.rotates {
            true => self.turn.fetch_add(1, Ordering::Relaxed),
            false => 0,
        }
    }
}
