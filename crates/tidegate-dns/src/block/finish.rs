//! Queries that wait for others.

use std::sync::Arc;
use std::time::Instant;

use hickory_proto::rr::RecordType;
use tidegate_dns_wire::{Code, Kind, LowerName, Query, Reply, Section, Transport};
use tidegate_forward::{OwnedQuestion, Question, ResolveError, Stored};
use tidegate_zone::Outcome;

use super::compose::add;
use super::signing::{Verdict, sign};
use super::{Asked, Block, route};
use crate::desk::Origin;
use crate::replies::Replies;

impl Block {
    /// Answers a query, however long it takes.
    pub(crate) async fn finish(
        self: Arc<Self>,
        packet: Vec<u8>,
        origin: Origin,
        began: Instant,
    ) -> Replies {
        let Ok(query) = Query::read(&packet, origin.transport) else {
            return Replies::default();
        };
        let asked = Asked {
            query: &query,
            origin,
            began,
        };
        let signer = match self.keys.check(&query) {
            Verdict::Unsigned => None,
            Verdict::Signed(signer) => Some(signer),
            Verdict::Refused(reply) => return reply.into(),
        };
        let (mut replies, place) = match query.kind {
            Kind::AXFR | Kind::IXFR => self.transfer(&asked),
            _ => (vec![self.answer(&asked).await], None),
        };
        if let Some(first) = replies.first_mut() {
            self.conclude(&asked, first, 0);
        }
        if let Some(signer) = signer {
            sign(signer, &query, &mut replies);
        }
        replies.retain(|reply| !reply.is_empty());
        Replies::transferred(replies, place)
    }

    /// All stations.
    async fn answer(&self, asked: &Asked<'_>) -> Vec<u8> {
        if let Some(reply) = self.rewriter.answer(asked, self).await {
            return reply;
        }
        self.answer_as_written(asked).await
    }

    /// All stations behind the rewriting.
    pub(super) async fn answer_as_written(&self, asked: &Asked<'_>) -> Vec<u8> {
        if let Some(autopath) = &self.autopath
            && let Some(reply) = autopath.answer(asked, self).await
        {
            return reply;
        }
        self.resolve(asked).await
    }

    /// Hosts, the cluster, others.
    pub(super) async fn resolve(&self, asked: &Asked<'_>) -> Vec<u8> {
        let query = asked.query;
        let turn = self.next_turn();
        let mut out = Vec::with_capacity(1500);
        if let Some(hosts) = &self.hosts
            && hosts.answer(query, turn, &mut out)
        {
            return out;
        }
        if let Some(cluster) = &self.cluster {
            let outcome = {
                let mut reply = Reply::to(query, &mut out);
                let outcome = cluster.answer(query, turn, &mut reply);
                match outcome {
                    Outcome::Answered => reply.finish(),
                    Outcome::Continues(_) | Outcome::NotOurs => reply.abandon(),
                }
                outcome
            };
            match outcome {
                Outcome::Answered => return out,
                Outcome::Continues(target) => return self.complete(query, &target, turn).await,
                Outcome::NotOurs => {}
            }
        }
        match self.ask_others(query).await {
            Ok(stored) => route::write(query, &stored, Instant::now(), turn, &mut out),
            Err(error) => Reply::refuse(query, code_for(error), &mut out),
        }
        out
    }

    async fn ask_others(&self, query: &Query<'_>) -> Result<Arc<Stored>, ResolveError> {
        let question = route::question(query).to_owned(query.transport == Transport::Tcp);
        self.ask(&query.name, question).await
    }

    /// Asks whom the routes name, one after another while their answers say so.
    async fn ask(
        &self,
        name: &LowerName,
        question: OwnedQuestion,
    ) -> Result<Arc<Stored>, ResolveError> {
        let kind = Kind(question.kind);
        let mut answer = Err(ResolveError::NoUpstream);
        for route in self.routes.iter().filter(|route| route.takes(name)) {
            answer = route.resolver.resolve(question.clone()).await;
            match &answer {
                Ok(stored) if route.resolver.passes_on(stored.response_code()) => {}
                _ => break,
            }
        }
        if let Err(error) = &answer {
            match &self.errors {
                Some(errors) => errors.note(&format!("{name} {kind}: {error}")),
                None => {
                    tracing::debug!(%name, %kind, %error, "a name outside the cluster stays unresolved")
                }
            }
        }
        answer
    }

    /// Adds what another server knows about the last alias. The code is that server's, since it
    /// speaks of the end of the chain (RFC 6604, 3); without a reply the alias is given with
    /// SERVFAIL, so that nobody takes it for a name without addresses.
    async fn complete(&self, query: &Query<'_>, target: &LowerName, turn: usize) -> Vec<u8> {
        let question = Question {
            name: target.as_wire(),
            kind: query.kind.0,
            dnssec_ok: false,
            checking_disabled: query.checking_disabled(),
        };
        let stored = self.ask(target, question.to_owned(true)).await;
        let message = stored
            .as_ref()
            .ok()
            .and_then(|stored| stored.to_message(&question, Instant::now()).ok());
        let mut out = Vec::with_capacity(1500);
        let mut reply = Reply::to(query, &mut out);
        if let Some(cluster) = &self.cluster
            && let Outcome::Answered = cluster.answer(query, turn, &mut reply)
        {
            // The name has come to mean something else meanwhile.
            reply.finish();
            return out;
        }
        let Some(message) = message else {
            reply.set_code(Code::SERVER_FAILURE);
            reply.finish();
            return out;
        };
        reply.set_code(Code(u16::from(message.metadata.response_code)));
        let is_wanted = |kind| matches!(kind, RecordType::A | RecordType::AAAA | RecordType::CNAME);
        for record in message
            .answers
            .iter()
            .filter(|one| is_wanted(one.record_type()))
        {
            add(&mut reply, Section::Answer, record);
        }
        let is_soa = |kind| kind == RecordType::SOA;
        for record in message
            .authorities
            .iter()
            .filter(|one| is_soa(one.record_type()))
        {
            add(&mut reply, Section::Authority, record);
        }
        if message.metadata.truncation {
            reply.set_truncated();
        }
        reply.finish();
        out
    }
}

/// What a client gets in place of an answer.
fn code_for(error: ResolveError) -> Code {
    match error {
        ResolveError::TooMany | ResolveError::Transfer => Code::REFUSED,
        ResolveError::InvalidName => Code::FORMAT_ERROR,
        ResolveError::NoUpstream | ResolveError::NobodyAnswered | ResolveError::AllDown => {
            Code::SERVER_FAILURE
        }
    }
}
