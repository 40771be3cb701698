//! Replies of other servers.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, OpCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, SOA, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tidegate_dns_wire::LowerName;
use tidegate_forward::{
    CacheSettings, Lookup, OwnAddresses, OwnedQuestion, Resolver, Settings, ShelfSettings, Stored,
    UpstreamSource,
};
use tokio::runtime::{Builder, Runtime};

use super::Plan;
use super::memory::Watermark;
use super::mutations::spoil;
use super::verdict::read;

/// Of how many packets for the handler there is one reply here: each takes a socket.
const SHARE: u64 = 10;

/// How many names are asked about: more than the cache holds.
const NAMES: u64 = 4000;

/// Types that are asked for.
const KINDS: [u16; 8] = [1, 5, 6, 15, 16, 28, 33, 255];

#[test]
fn any_reply_of_another_server_is_passed_on_readably_or_not_at_all() {
    let plan = Plan::from_env();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let liar = Liar::start(plan.seed);
    let resolver = resolver(&runtime, &liar);
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let replies = (plan.inputs / SHARE).max(1);
    let mut watermark = None;
    let mut passed_on = 0_u64;
    for number in 0..replies {
        if number == replies / 4 {
            watermark = Some(Watermark::now());
        }
        let question = question(&mut rng);
        let answer = runtime.block_on(resolver.resolve(question.clone()));
        let said = match answer {
            Ok(stored) => {
                passed_on += 1;
                complaint(&question, &stored)
            }
            Err(_) => None,
        };
        let known = match resolver.cached(&question.as_question(), Instant::now()) {
            Lookup::Hit(stored) | Lookup::HitAndRefresh(stored) => complaint(&question, &stored),
            Lookup::Miss => None,
        };
        if let Some(complaint) = said.or(known) {
            panic!("{complaint}\n{plan:?}, reply {number} to {question:?}");
        }
    }
    // The true reply follows each false one, so that most questions are answered in the end.
    assert!(passed_on > replies / 2, "{passed_on} of {replies} replies");
    watermark.expect("a run of some replies").check();
}

fn question(rng: &mut StdRng) -> OwnedQuestion {
    let name = format!("n{}.example.org", rng.random_range(0..NAMES));
    let name = LowerName::from_text(&name).expect("a name");
    OwnedQuestion {
        name: name.as_wire().into(),
        kind: KINDS[rng.random_range(0..KINDS.len())],
        dnssec_ok: rng.random_bool(0.2),
        checking_disabled: rng.random_bool(0.1),
        whole: false,
    }
}

/// What is wrong with the message that would be passed on.
fn complaint(question: &OwnedQuestion, stored: &Stored) -> Option<String> {
    let counts = [stored.answers(), stored.authorities(), stored.additionals()];
    let mut octets = vec![0, 0, 0x80, 0, 0, 1];
    octets.extend(counts.into_iter().flat_map(u16::to_be_bytes));
    octets.extend(&question.name);
    octets.extend([question.kind, 1].into_iter().flat_map(u16::to_be_bytes));
    stored.write_body(&mut octets, Instant::now(), 1);
    if octets.len() > usize::from(u16::MAX) {
        return Some(format!("{} octets", octets.len()));
    }
    let unreadable = read(&octets).err();
    unreadable.or_else(|| {
        let message = stored.to_message(&question.as_question(), Instant::now());
        message.err().map(|error| error.to_string())
    })
}

fn resolver(runtime: &Runtime, liar: &Liar) -> Arc<Resolver> {
    let shelf = || ShelfSettings {
        entries: 500,
        bytes: 1 << 20,
        ..CacheSettings::default().success
    };
    let settings = Settings {
        upstreams: vec![UpstreamSource::Plain(liar.address)],
        max_fails: 0,
        // A lost datagram is no reason to wait long.
        patience: Duration::from_millis(200),
        cache: Some(CacheSettings {
            success: shelf(),
            denial: shelf(),
            ..CacheSettings::default()
        }),
        ..Settings::default()
    };
    let resolver = Resolver::new(settings, OwnAddresses::default(), runtime.handle().clone());
    resolver.expect("a resolver")
}

/// A server whose replies are spoiled. A good one follows each, as from whoever is truly asked.
struct Liar {
    address: std::net::SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Liar {
    fn start(seed: u64) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let pause = Duration::from_millis(100);
        socket.set_read_timeout(Some(pause)).expect("set");
        let address = socket.local_addr().expect("an address");
        let is_over = Arc::new(AtomicBool::new(false));
        let is_said = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            let mut rng = StdRng::seed_from_u64(!seed);
            let mut packet = [0; 1500];
            while !is_said.load(Ordering::Relaxed) {
                let Ok((length, client)) = socket.recv_from(&mut packet) else {
                    continue;
                };
                let good = reply(&mut rng, &packet[..length]);
                let mut spoiled = good.clone();
                spoil(&mut rng, &mut spoiled);
                if rng.random_bool(0.7) {
                    // As a reply to this question, or else it wouldn't be looked at.
                    let kept = good.len().min(length - 11).min(spoiled.len());
                    spoiled[..kept].copy_from_slice(&good[..kept]);
                    for count in 6..12.min(spoiled.len()) {
                        if rng.random_bool(0.05) {
                            spoiled[count] = rng.random();
                        }
                    }
                }
                for octets in [spoiled, good] {
                    // A client that has what it wants is gone.
                    let _ = socket.send_to(&octets, client);
                }
            }
        });
        Self {
            address,
            is_over,
            thread: Some(thread),
        }
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || thread::panicking(),
                "it ended without a panic"
            );
        }
    }
}

/// A good reply of some records of many types, with their names compressed.
fn reply(rng: &mut StdRng, packet: &[u8]) -> Vec<u8> {
    let query = Message::from_vec(packet).expect("a query that others can read");
    let question = query.queries.first().expect("a question").clone();
    let mut reply = Message::response(query.metadata.id, OpCode::Query);
    let owner = question.name().clone();
    reply.add_query(question);
    let other = |text: &str| Name::from_ascii(text).expect("a name");
    for _ in 0..rng.random_range(0..6) {
        let data = match rng.random_range(0..7) {
            0 => RData::A(A(rng.random::<u32>().into())),
            1 => RData::AAAA(AAAA(rng.random::<u128>().into())),
            2 => RData::CNAME(CNAME(other("alias.example.org."))),
            3 => RData::MX(MX::new(10, other("mail.example.org."))),
            4 => RData::TXT(TXT::new(vec!["text".repeat(rng.random_range(0..20))])),
            5 => RData::SRV(SRV::new(1, 2, 3, other("host.example.org."))),
            _ => {
                let [server, mailbox] = ["ns.example.org.", "admin.example.org."].map(other);
                RData::SOA(SOA::new(server, mailbox, 7, 1, 2, 3, 60))
            }
        };
        let record = Record::from_rdata(owner.clone(), rng.random_range(0..90), data);
        match rng.random_range(0..3) {
            0 => reply.add_authority(record),
            1 => reply.add_additional(record),
            _ => reply.add_answer(record),
        };
    }
    reply.to_vec().expect("a reply")
}
