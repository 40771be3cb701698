//! The whole handler with everything switched on.

use std::collections::BTreeSet;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tidegate_dns_config::{NoEnv, NoImports, RateLimit, parse_corefile};
use tidegate_dns_wire::{LowerName, Transport};
use tidegate_forward::OwnAddresses;
use tidegate_model::{EndpointSlice, Service};
use tidegate_tsig::{Algorithm, Key};
use tidegate_zone::{EndpointLabels, ServiceEntry, ZoneIndex};
use tokio::runtime::{Builder, Runtime};

use super::Plan;
use super::memory::Watermark;
use super::packets::{Crafter, KEY, KEY_NAME, KEY_TEXT};
use super::verdict::{complaint, deserves_reply};
use crate::block::{Block, Surroundings, build, lower};
use crate::desk::{Blocks, Desk, Origin, Step};
use crate::names::ClusterNames;

/// Clients: a pod, whose searches are completed, and others.
const CLIENTS: [&str; 3] = ["10.1.0.1:4242", "192.0.2.200:53", "[fd00:1::2]:4242"];

/// What is in the buffer already when a reply is written behind it.
const BEFORE: &[u8] = b"the reply before";

#[test]
fn any_packet_gets_a_reply_that_its_sender_can_read_or_none() {
    let plan = Plan::from_env();
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let desk = desk(&runtime);
    let key = Key {
        name: LowerName::from_text(KEY_NAME).expect("a name"),
        algorithm: Algorithm::Sha256,
        secret: KEY.to_vec(),
    };
    let mut crafter = Crafter::new(StdRng::seed_from_u64(plan.seed), &key);
    let mut watermark = None;
    let mut codes = BTreeSet::new();
    for number in 0..plan.inputs {
        // Caches fill in the first part of the run.
        if number == plan.inputs / 4 {
            watermark = Some(Watermark::now());
        }
        let packet = crafter.next();
        let origin = Origin {
            client: client(crafter.rng()),
            transport: match crafter.rng().random_bool(0.7) {
                true => Transport::Udp,
                false => Transport::Tcp,
            },
            worker: 0,
        };
        let replies = answer(&runtime, &desk, &packet, origin);
        codes.extend(
            replies
                .iter()
                .filter_map(|reply| Some(reply.get(3)? & 0x0f)),
        );
        let is_silent = replies.is_empty() && deserves_reply(&packet) && !is_rate_limited(&packet);
        let silence = is_silent.then(|| "nobody answers".to_owned());
        if let Some(complaint) = complaint(&packet, origin.transport, &replies).or(silence) {
            panic!(
                "{complaint}\n{plan:?}, input {number}: {origin:?}\n{packet:02x?}\n{replies:02x?}"
            );
        }
    }
    // Every kind of reply is among them: answers, and each way of having none.
    let expected: BTreeSet<u8> = [0, 1, 2, 3, 4, 5, 9].into();
    assert_eq!(codes, expected, "{plan:?}");
    watermark.expect("a run of some inputs").check();
}

fn answer(runtime: &Runtime, desk: &Desk, packet: &[u8], origin: Origin) -> Vec<Vec<u8>> {
    let mut out = BEFORE.to_vec();
    let began = Instant::now();
    let view = desk.view();
    let step = view.begin(packet, origin, began, &mut out);
    assert!(out.starts_with(BEFORE), "the reply before stays as it was");
    match step {
        Step::Done if out.len() == BEFORE.len() => Vec::new(),
        Step::Done => vec![out.split_off(BEFORE.len())],
        Step::Slow => {
            assert_eq!(out, BEFORE, "nothing is sent yet");
            let replies = runtime.block_on(view.finish(packet, origin, began));
            replies.collect()
        }
    }
}

/// Replies of the block with a limit may be missing.
fn is_rate_limited(packet: &[u8]) -> bool {
    let needle = b"\x07limited\x04test\0";
    let lower = packet.to_ascii_lowercase();
    lower.windows(needle.len()).any(|part| part == needle)
}

fn client(rng: &mut StdRng) -> SocketAddr {
    let text = CLIENTS[rng.random_range(0..CLIENTS.len())];
    text.parse().expect("an address")
}

/// Two server blocks: one with everything but a limit on replies, one with that.
fn desk(runtime: &Runtime) -> Desk {
    // A port that nobody listens on: the server behind it is dead.
    let dead = UdpSocket::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port");
    let text = format!(
        ". {{
            kubernetes cluster.local in-addr.arpa ip6.arpa {{
                pods insecure
                fallthrough in-addr.arpa ip6.arpa
            }}
            hosts /dev/null hosts.test arpa {{
                192.0.2.1 a.hosts.test *.wild.hosts.test
                2001:db8::1 a.hosts.test
                fallthrough arpa
            }}
            rewrite name exact exact.rewritten.test web.default.svc.cluster.local
            rewrite continue name prefix prefix- other-
            rewrite name suffix .suffix.rewritten.test .hosts.test answer auto
            rewrite name regex (.*)-regex\\.rewritten\\.test {{1}}.default.svc.cluster.local
            autopath @kubernetes
            cache 30
            loadbalance
            transfer cluster.local {{
                to *
            }}
            tsig cluster.local {{
                secret {KEY_NAME} {KEY_TEXT}
            }}
            forward . {dead} {{
                failfast_all_unhealthy_upstreams
                max_fails 1
            }}
        }}
        limited.test {{
            hosts /dev/null
            tsig {{
                secret {KEY_NAME} {KEY_TEXT}
            }}
        }}"
    );
    let parsed = parse_corefile(&text, "Corefile", &NoImports, &NoEnv);
    let mut config = parsed.unwrap_or_else(|error| panic!("{error}")).config;
    config.servers[1].rate_limit = Some(RateLimit {
        responses_per_second: 1,
        ..RateLimit::default()
    });
    let around = Surroundings {
        names: Arc::<ClusterNames>::default(),
        own: OwnAddresses::default(),
        workers: 1,
        runtime: runtime.handle().clone(),
        search: vec![LowerName::from_text("example.net").expect("a name")],
    };
    let _entered = runtime.enter();
    let blocks = config.servers.iter().map(|server| {
        let block = build(server, 53, &around).expect("a block");
        if let Some(cluster) = &block.cluster {
            fill(&cluster.index);
        }
        (lower(&server.zones[0].name), Arc::<Block>::new(block))
    });
    Desk::new(Blocks::new(blocks.collect()))
}

/// The Services that the packets' names are about.
fn fill(index: &ZoneIndex) {
    let http = json!([{"name": "http", "port": 80}]);
    let set = |name: &str, spec: Value, slices: Vec<Value>| {
        let object = json!({"metadata": {"namespace": "default", "name": name}, "spec": spec});
        let object = serde_json::from_value(object).expect("a Service");
        let service = Service::from_api(&object).expect("a name");
        let slices = slices.into_iter().map(|endpoints| {
            let first = endpoints[0]["addresses"][0].as_str().unwrap_or_default();
            let family = if first.contains(':') { "IPv6" } else { "IPv4" };
            let object = json!({
                "metadata": {"namespace": "default", "name": name, "labels": {"kubernetes.io/service-name": name}},
                "addressType": family, "ports": http, "endpoints": endpoints
            });
            let object = serde_json::from_value(object).expect("a slice");
            EndpointSlice::from_api(&object).expect("a slice of a Service")
        });
        let slices: Vec<EndpointSlice> = slices.collect();
        let entry = ServiceEntry::new(&service, &slices, EndpointLabels::Address);
        index.set(&service.key, entry);
    };
    index.set_namespaces(["default", "kube-system"]);
    let ports = || http.clone();
    set(
        "web",
        json!({"clusterIP": "10.96.0.7", "ports": ports()}),
        vec![],
    );
    set(
        "dual",
        json!({"clusterIPs": ["10.96.0.9", "fd00:96::7"], "ports": ports()}),
        vec![],
    );
    let pods = json!([
        {"addresses": ["10.1.0.2"], "hostname": "pod-0", "zone": "zone-a"},
        {"addresses": ["10.1.0.3"]}
    ]);
    let six = json!([{"addresses": ["fd00:1::2"], "hostname": "pod-0"}]);
    set("pods", json!({"clusterIP": "None"}), vec![pods, six]);
    let crowd: Vec<Value> = (1..=150)
        .map(|last| json!({"addresses": [format!("10.2.0.{last}")]}))
        .collect();
    set("many", json!({"clusterIP": "None"}), vec![json!(crowd)]);
    let alias = |target: &str| json!({"type": "ExternalName", "externalName": target});
    set("inside", alias("pods.default.svc.cluster.local"), vec![]);
    set("outside", alias("db.example.org"), vec![]);
    set("ping", alias("ping.default.svc.cluster.local"), vec![]);
    set("hop-1", alias("web.default.svc.cluster.local"), vec![]);
    for hop in 2..=12 {
        let before = format!("hop-{}.default.svc.cluster.local", hop - 1);
        set(&format!("hop-{hop}"), alias(&before), vec![]);
    }
    for client in ["10.1.0.1", "fd00:1::2"] {
        index.add_pod("default", client.parse().expect("an address"));
    }
    index.publish(1_700_000_000);
}
