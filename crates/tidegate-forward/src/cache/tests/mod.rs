//! A cache of its own for each test, and replies to keep in it.

mod bounds;
mod lifetimes;
mod outliving;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::{MessageType, Metadata, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, SOA};
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::BinEncodable;

use super::{Cache, CacheSettings, Lookup};
use crate::counters::Counters;
use crate::question::{OwnedQuestion, Question};
use crate::stored::{Reply, Stored};

struct Fixture {
    cache: Cache,
    counters: Arc<Counters>,
    start: Instant,
}

impl Fixture {
    fn new(settings: CacheSettings) -> Self {
        let counters = Arc::<Counters>::default();
        Self {
            cache: Cache::new(settings, &counters),
            counters,
            start: Instant::now(),
        }
    }

    /// Keeps a reply that comes after so many seconds.
    fn keep(&self, reply: &Reply, after: u64) -> Arc<Stored> {
        let question = question(&reply.name);
        let now = self.start + Duration::from_secs(after);
        let stored = self
            .cache
            .store(&question.as_question(), reply.clone(), now);
        stored.expect("a reply that can be stored")
    }

    fn look_up(&self, name: &str, after: u64) -> Lookup {
        let question = question(&Name::from_ascii(name).expect("a name"));
        let now = self.start + Duration::from_secs(after);
        self.cache.look_up(&question.as_question(), now)
    }

    /// The code and the TTLs of what is given after so many seconds.
    fn given(&self, name: &str, after: u64) -> Option<(ResponseCode, Vec<u32>)> {
        let stored = match self.look_up(name, after) {
            Lookup::Hit(stored) | Lookup::HitAndRefresh(stored) => stored,
            Lookup::Miss => return None,
        };
        let question = question(&Name::from_ascii(name).expect("a name"));
        let now = self.start + Duration::from_secs(after);
        let message = stored
            .to_message(&question.as_question(), now)
            .expect("a message");
        let ttls = message.all_sections().map(|record| record.ttl).collect();
        Some((stored.response_code(), ttls))
    }

    /// For how many seconds a reply is given.
    fn lifetime(&self, reply: &Reply) -> u64 {
        self.keep(reply, 0);
        let name = reply.name.to_string();
        (0..10_000)
            .find(|after| self.given(&name, *after).is_none())
            .expect("an end")
    }
}

fn question(name: &Name) -> OwnedQuestion {
    let lent = Question {
        name: &name.to_lowercase().to_bytes().expect("a name"),
        kind: 1,
        dnssec_ok: false,
        checking_disabled: false,
    };
    lent.to_owned(false)
}

fn reply(name: &str, code: ResponseCode) -> Reply {
    let mut metadata = Metadata::new(0, MessageType::Response, OpCode::Query);
    metadata.response_code = code;
    Reply {
        name: Name::from_ascii(name).expect("a name"),
        metadata,
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
    }
}

fn address(owner: &str, ttl: u32) -> Record {
    let owner = Name::from_ascii(owner).expect("a name");
    Record::from_rdata(owner, ttl, RData::A(A::new(192, 0, 2, 1)))
}

fn alias(owner: &str, target: &str, ttl: u32) -> Record {
    let [owner, target] = [owner, target].map(|name| Name::from_ascii(name).expect("a name"));
    Record::from_rdata(owner, ttl, RData::CNAME(CNAME(target)))
}

fn soa(owner: &str, ttl: u32, minimum: u32) -> Record {
    let owner = Name::from_ascii(owner).expect("a name");
    let data = SOA::new(owner.clone(), owner.clone(), 1, 2, 3, 4, minimum);
    Record::from_rdata(owner, ttl, RData::SOA(data))
}

fn found(name: &str, ttl: u32) -> Reply {
    let mut reply = reply(name, ResponseCode::NoError);
    reply.answers.push(address(name, ttl));
    reply
}

fn denied(name: &str, code: ResponseCode, soa: Record) -> Reply {
    let mut reply = reply(name, code);
    reply.authorities.push(soa);
    reply
}

fn failed(name: &str) -> Reply {
    reply(name, ResponseCode::ServFail)
}
