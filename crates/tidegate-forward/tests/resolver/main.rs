//! Resolvers against name servers on loopback that answer, lie, cut off, refuse or stay silent.

mod cache;
mod connections;
mod failures;
mod health;
mod name_server;
mod order;
mod replies;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinEncodable;
use tidegate_forward::{
    OwnAddresses, OwnedQuestion, Policy, Question, ResolveError, Resolver, Settings, Stored,
    UpstreamSource,
};
use tokio::runtime::Handle;

/// How long something that is sure to happen may take on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks these servers in this order, and waits for each as long as for something sure to happen.
fn settings(upstreams: &[SocketAddr]) -> Settings {
    let plain = |address: &SocketAddr| UpstreamSource::Plain(*address);
    Settings {
        upstreams: upstreams.iter().map(plain).collect(),
        policy: Policy::Sequential,
        patience: PATIENCE,
        deadline: PATIENCE * 4,
        ..Settings::default()
    }
}

/// As [`settings`], for when a server is not sure to answer.
fn impatient(upstreams: &[SocketAddr]) -> Settings {
    Settings {
        patience: Duration::from_secs(2),
        ..settings(upstreams)
    }
}

fn resolver(settings: Settings) -> Arc<Resolver> {
    Resolver::new(settings, OwnAddresses::default(), Handle::current()).expect("good settings")
}

fn question(name: &str) -> OwnedQuestion {
    let name = Name::from_ascii(name).expect("a name");
    let lent = Question {
        name: &name.to_lowercase().to_bytes().expect("a name"),
        kind: 1,
        dnssec_ok: false,
        checking_disabled: false,
    };
    lent.to_owned(false)
}

/// What comes of a question: a code, and the addresses and aliases of the answer.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    code: ResponseCode,
    truncated: bool,
    answers: Vec<String>,
}

fn found(answers: &[&str]) -> Result<Seen, ResolveError> {
    Ok(Seen {
        code: ResponseCode::NoError,
        truncated: false,
        answers: answers.iter().map(|text| (*text).to_owned()).collect(),
    })
}

fn without_answer(code: ResponseCode) -> Result<Seen, ResolveError> {
    Ok(Seen {
        code,
        truncated: false,
        answers: Vec::new(),
    })
}

fn seen(stored: &Stored, question: &OwnedQuestion) -> Seen {
    let message = stored
        .to_message(&question.as_question(), Instant::now())
        .expect("a message");
    let answers = message.answers.iter();
    Seen {
        code: stored.response_code(),
        truncated: stored.truncated(),
        answers: answers.map(|record| record.data.to_string()).collect(),
    }
}

async fn ask(resolver: &Arc<Resolver>, question: &OwnedQuestion) -> Result<Seen, ResolveError> {
    let stored = resolver.resolve(question.clone()).await?;
    Ok(seen(&stored, question))
}

async fn ask_for(resolver: &Arc<Resolver>, name: &str) -> Result<Seen, ResolveError> {
    ask(resolver, &question(name)).await
}

/// Waits until something that is sure to happen has happened.
async fn until(what: &str, happened: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !happened() {
        assert!(Instant::now() < end, "it never happened that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
