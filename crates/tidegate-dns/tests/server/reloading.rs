//! Another configuration, and another server, while clients ask.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use tidegate_dns::{Server, Setup};

use crate::cluster::{Cluster, parsed, setup};

/// How long a client waits for a reply: long enough on any machine, and far beyond what it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Clients that ask without a pause and count what isn't answered.
struct Clients {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    threads: Vec<thread::JoinHandle<Vec<String>>>,
}

impl Clients {
    fn start(server: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicUsize::new(0));
        let threads = (0..4).map(|_| {
            let (stop, asked) = (Arc::clone(&stop), Arc::clone(&asked));
            thread::spawn(move || ask_until(&stop, &asked, server))
        });
        Self {
            threads: threads.collect(),
            stop,
            asked,
        }
    }

    /// Waits until so many more questions were asked.
    fn wait_for(&self, more: usize) {
        let goal = self.asked.load(Ordering::Relaxed) + more;
        while self.asked.load(Ordering::Relaxed) < goal {
            assert!(!self.threads.iter().all(thread::JoinHandle::is_finished));
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn end(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.threads.into_iter();
        ended
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    }
}

/// Asks from a new port each time, so that the kernel chooses among the server's sockets anew.
fn ask_until(stop: &AtomicBool, asked: &AtomicUsize, server: SocketAddr) -> Vec<String> {
    let mut failures = Vec::new();
    let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x03web\x07default\x03svc\x07cluster\x05local\0\0\x01\0\x01");
    while !stop.load(Ordering::Relaxed) {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(PATIENCE)).expect("set");
        socket.connect(server).expect("connected");
        let mut reply = [0; 512];
        let answered = socket.send(&query).and_then(|_| socket.recv(&mut reply));
        match answered {
            Ok(_) if reply[3] & 0x0f == 0 && reply[7] == 1 => {}
            Ok(length) => failures.push(format!("{:?}", &reply[..length])),
            Err(error) => failures.push(error.to_string()),
        }
        asked.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

fn web(cluster: &Cluster) {
    cluster.set_service("web", json!({"clusterIP": "10.96.0.7"}));
    cluster.feed.synced();
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_is_lost_while_the_configuration_changes() {
    let text = |ttl: u32| format!(".:0 {{\n kubernetes cluster.local {{\n ttl {ttl}\n }}\n}}");
    let cluster = Cluster::start(&parsed(&text(5)));
    web(&cluster);
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    let clients = Clients::start(cluster.address);
    for ttl in 10..40 {
        clients.wait_for(50);
        cluster
            .server
            .reload(&parsed(&text(ttl)))
            .await
            .expect("taken");
    }
    clients.wait_for(50);
    let failures = clients.end();
    assert!(failures.is_empty(), "{failures:?}");
    let answer = cluster
        .dig("+noall +answer web.default.svc.cluster.local")
        .await;
    let words: Vec<&str> = answer.split_whitespace().collect();
    assert_eq!(words[1..4], ["39", "IN", "A"], "{answer}");
    assert_eq!(cluster.metric("tidegate_dns_reloads_total", ""), 30.0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_can_not_be_served_leaves_the_one_before() {
    let cluster = Cluster::start(&parsed(".:0 {\n kubernetes cluster.local\n}"));
    web(&cluster);
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    for (wrong, told) in [
        (
            ".:0 {\n bind 192.0.2.1\n kubernetes cluster.local\n}",
            "no interface",
        ),
        (
            ".:0 {\n forward . tls://192.0.2.1 {\n tls /nonexistent/ca.pem\n }\n}",
            "/nonexistent/ca.pem can't be read",
        ),
    ] {
        let error = cluster
            .server
            .reload(&parsed(wrong))
            .await
            .expect_err(wrong);
        assert!(error.to_string().contains(told), "{error}");
        let answer = cluster.dig("+short web.default.svc.cluster.local").await;
        assert_eq!(answer, "10.96.0.7\n");
    }
    assert_eq!(cluster.metric("coredns_reload_failed_total", ""), 2.0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_come_and_go_with_the_configuration() {
    let at = |hosts: &str| {
        parsed(&format!(
            ".:0 {{\n bind {hosts}\n kubernetes cluster.local\n}}"
        ))
    };
    let cluster = Cluster::start(&at("127.0.0.1"));
    web(&cluster);
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    cluster
        .server
        .reload(&at("127.0.0.1 127.0.0.5"))
        .await
        .expect("taken");
    let both = cluster.server.addresses();
    assert_eq!(both.len(), 2);
    let new = both
        .iter()
        .find(|one| one.ip().to_string() == "127.0.0.5")
        .expect("served");
    let clients = Clients::start(*new);
    clients.wait_for(20);
    assert_eq!(clients.end(), [""; 0]);
    cluster
        .server
        .reload(&at("127.0.0.1"))
        .await
        .expect("taken");
    assert_eq!(cluster.server.addresses().len(), 1);
    let freed = UdpSocket::bind(new).expect("the address is free again");
    drop(freed);
    cluster.stop().await;
}

/// Two servers at one address, as a node's old and new one are during an upgrade.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_takes_over_without_a_gap() {
    let shared = |port: u16| {
        let text = ". {\n kubernetes cluster.local\n}";
        let mut config = parsed(text);
        config.node_local = Some(tidegate_dns_config::NodeLocal {
            addresses: vec!["127.0.0.6".parse().expect("an address")],
        });
        config.servers[0].zones[0].port = port;
        config
    };
    let free = UdpSocket::bind("127.0.0.6:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let elsewhere = |last: u8| Setup {
        addresses: vec![[127, 0, 1, last].into()],
        ..setup()
    };
    let start = |last: u8| {
        let cluster = Cluster::serve(Server::bind(&shared(port), elsewhere(last)).expect("bound"));
        web(&cluster);
        cluster
    };
    let address = SocketAddr::from(([127, 0, 0, 6], port));
    let mut current = start(1);
    current.synced().await;
    let clients = Clients::start(address);
    for last in 2..8 {
        clients.wait_for(100);
        let next = start(last);
        next.synced().await;
        clients.wait_for(100);
        std::mem::replace(&mut current, next).stop().await;
    }
    clients.wait_for(100);
    let failures = clients.end();
    assert!(failures.is_empty(), "{failures:?}");
    current.stop().await;
}
