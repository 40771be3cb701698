//! Names that other servers know.

use std::sync::Arc;
use std::time::Instant;

use tidegate_dns_wire::{Code, LowerName, Query, Reply};
use tidegate_forward::{Question, Resolver, Stored};

/// Who is asked about the names of one domain.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) from: LowerName,
    /// Domains below it that aren't asked about there.
    pub(crate) except: Vec<LowerName>,
    pub(crate) resolver: Arc<Resolver>,
}

impl Route {
    #[inline]
    pub(crate) fn takes(&self, name: &LowerName) -> bool {
        let is_in = |zone: &LowerName| name.labels_before(zone).is_some();
        is_in(&self.from) && !self.except.iter().any(is_in)
    }
}

/// A query as resolvers know it.
#[inline]
pub(crate) fn question<'q>(query: &'q Query<'_>) -> Question<'q> {
    Question {
        name: query.name.as_wire(),
        kind: query.kind.0,
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.checking_disabled(),
    }
}

/// Passes on what another server said.
pub(crate) fn write(
    query: &Query<'_>,
    stored: &Stored,
    now: Instant,
    turn: usize,
    out: &mut Vec<u8>,
) {
    let mut reply = Reply::passing_on(query, out);
    reply.set_code(Code(u16::from(stored.response_code())));
    if stored.authentic() && (query.dnssec_ok() || query.wants_authentic()) {
        reply.set_authentic();
    }
    if stored.truncated() {
        reply.set_truncated();
    }
    let counts = [stored.answers(), stored.authorities(), stored.additionals()];
    reply.add_body(counts, |out| stored.write_body(out, now, turn));
    reply.finish();
}
