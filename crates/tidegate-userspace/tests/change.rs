//! The plan changes, the mode comes and goes, and what is established goes on.

mod support;

use std::time::Duration;

use support::{gauge, open, open_with, until};
use tidegate_dataplane::Retired;
use tidegate_testnet::{
    Answer, Call, Cluster, Node, Protocol, Talk, address, ask_from_port, run_with_input, words,
};
use tidegate_userspace::UserspaceOptions;

const FRONTEND: &str = "10.96.0.1:80";

fn talk(node: &Node) -> Talk {
    node.world.client.with(|| {
        let mut talk = Talk::open(Call::new(Protocol::Tcp, address(FRONTEND)));
        if let Ok(talk) = &mut talk {
            talk.ask().expect("it is open");
        }
        talk.expect("the Service serves")
    })
}

#[test]
fn established_connections_outlive_their_endpoint_and_their_service() {
    let mut node = Node::with_web(2, open);
    let mut talks = [talk(&node), talk(&node)];
    let delta = node.cluster.set_pods("web", &[1]);
    node.apply(delta);
    for _ in 0..4 {
        let answer = node.client_asks(Protocol::Tcp, FRONTEND);
        assert_eq!(answer.name(), "pod-1");
    }
    let names = talks.each_mut().map(|talk| talk.ask().expect("open").0);
    assert_eq!(names, ["pod-0", "pod-1"]);
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND), Answer::Silence);
    let names = talks.each_mut().map(|talk| talk.ask().expect("open").0);
    assert_eq!(names, ["pod-0", "pod-1"]);
    drop(talks);
    until("nothing is open", || {
        gauge(&mut node, "userspace_open_connections") == 0.0
    });
}

#[test]
fn a_retired_mode_serves_what_is_open_and_then_goes_without_a_trace() {
    let mut node = Node::with_web(1, open);
    let before = node.world.node.run("ip route show table local");
    assert!(before.contains("169.254.84.68/30"));
    let mut open_one = talk(&node);
    let retired = node.on_node(|mode| mode.retire()).expect("it can retire");
    assert_eq!(retired, Retired::Draining(1));
    assert_eq!(open_one.ask().expect("it is open").0, "pod-0");
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND), Answer::Silence);
    drop(open_one);
    until("it is gone", || {
        let retired = node.on_node(|mode| mode.retire());
        retired.expect("it can retire") == Retired::Gone
    });
    assert_eq!(node.world.node.run("nft list tables"), "");
    let routes = node.world.node.run("ip route show table local");
    assert!(!routes.contains("169.254.84"), "{routes}");
    let routes = node.world.node.run("ip -6 route show table local");
    assert!(!routes.contains("fd74"), "{routes}");
    assert_eq!(node.world.node.run("ss -Hltun src 169.254.84.68/30"), "");
}

#[test]
fn a_retired_mode_can_be_taken_back() {
    let mut node = Node::with_web(1, open);
    let _stays = talk(&node);
    node.on_node(|mode| mode.retire()).expect("it can retire");
    node.reconcile();
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND).name(), "pod-0");
}

#[test]
fn removal_ends_everything_at_once_and_leaves_others_alone() {
    const FOREIGN: &str = "table ip theirs {\n\tchain c {\n\t\ttype filter hook input priority 0; \
                           policy accept;\n\t\ttcp dport 9 drop\n\t}\n}\n";
    let mut node = Node::new(1, open);
    node.world.node.with(|| run_with_input("nft -f -", FOREIGN));
    let foreign = node.world.node.run("nft list table ip theirs");
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    let mut open_one = talk(&node);
    node.on_node(|mode| mode.remove()).expect("it can go");
    let broken_off = open_one.ask().expect_err("nobody is there");
    assert_eq!(broken_off, Answer::Refused, "the client is told");
    assert_eq!(gauge(&mut node, "userspace_open_connections"), 0.0);
    assert_eq!(node.world.node.run("nft list ruleset"), foreign);
    // Once more there is nothing to do, and then it serves again.
    node.on_node(|mode| mode.remove()).expect("nothing to do");
    node.reconcile();
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND).name(), "pod-0");
    assert_eq!(node.world.node.run("nft list table ip theirs"), foreign);
}

#[test]
fn a_new_process_takes_over_what_a_killed_one_left() {
    let mut node = Node::with_web(1, open);
    let port = 40_404;
    let asked = node
        .world
        .client
        .with(move || ask_from_port(port, address(FRONTEND)));
    assert_eq!(asked.name(), "pod-0");
    node.restart();
    assert_eq!(
        node.client_asks(Protocol::Tcp, FRONTEND),
        Answer::Refused,
        "nobody listens"
    );
    let plan = node.cluster.plan().clone();
    let outcome = node.on_node(move |mode| mode.reconcile(&plan));
    let outcome = outcome.expect("the plan can be programmed");
    assert!(outcome.drift.iter().any(|line| line.contains("redirects")));
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND).name(), "pod-0");
    // The kernel had in mind where this client was led before.
    let asked = node
        .world
        .client
        .with(move || ask_from_port(port, address(FRONTEND)));
    assert_eq!(asked.name(), "pod-0");
}

#[test]
fn no_client_of_a_killed_process_gets_to_another_service_after_it() {
    let mut node = Node::new(2, open);
    node.cluster.set(Cluster::service("alpha", 2));
    node.cluster.set_pods("alpha", &[0]);
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[1]);
    node.reconcile();
    let asks = |node: &Node, to: &'static str| {
        let client = &node.world.client;
        client.with(move || ask_from_port(40_404, address(to)))
    };
    let (alpha, web) = ("10.96.0.2:80", "10.96.0.1:80");
    assert_eq!(asks(&node, alpha).name(), "pod-0");
    assert_eq!(asks(&node, web).name(), "pod-1");
    // The listeners of the Service that is left are given the places of the other's.
    node.cluster.remove("alpha");
    node.restart();
    node.reconcile();
    assert_eq!(asks(&node, alpha), Answer::Silence);
    assert_eq!(asks(&node, web).name(), "pod-1");
}

#[test]
fn what_others_flush_or_edit_is_found_told_and_repaired() {
    let mut node = Node::with_web(1, open);
    let words_now = |node: &Node| words(&node.world.node.run("nft list ruleset"));
    let before = words_now(&node);
    for harm in [
        "nft flush ruleset",
        "nft flush chain ip tidegate-userspace prerouting",
        "nft flush map ip tidegate-userspace redirects",
        "nft add element ip tidegate-userspace rejected { 10.96.0.1 . tcp . 80 }",
        "nft add chain ip tidegate-userspace more",
        "ip route del local 169.254.84.68/30 dev lo table local",
    ] {
        node.world.node.run(harm);
        let plan = node.cluster.plan().clone();
        let outcome = node.on_node(move |mode| mode.reconcile(&plan));
        let drift = outcome.expect("it can be repaired").drift;
        assert!(!drift.is_empty(), "{harm}");
        assert_eq!(words_now(&node), before, "{harm}: {drift:?}");
        assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND).name(), "pod-0");
    }
    let plan = node.cluster.plan().clone();
    let outcome = node.on_node(move |mode| mode.reconcile(&plan));
    let outcome = outcome.expect("nothing is to do");
    assert_eq!((outcome.changed, outcome.drift.len()), (0, 0));
}

#[test]
fn a_udp_client_that_keeps_its_port_follows_every_change() {
    let mut node = Node::with_web(2, open);
    let asks = |node: &Node| {
        node.world
            .client
            .with(|| ask_from_port(40_404, address(FRONTEND)))
    };
    let first = asks(&node).name().to_owned();
    assert_eq!(asks(&node).name(), first, "it is one session");
    let other: usize = if first == "pod-0" { 1 } else { 0 };
    let delta = node.cluster.set_pods("web", &[other]);
    node.apply(delta);
    assert_eq!(asks(&node).name(), format!("pod-{other}"));
    let delta = node.cluster.set_pods("web", &[]);
    node.apply(delta);
    assert_eq!(asks(&node), Answer::Refused);
    let delta = node.cluster.set_pods("web", &[0]);
    node.apply(delta);
    assert_eq!(asks(&node).name(), "pod-0");
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(asks(&node), Answer::Silence);
    let web = Cluster::service("web", 1);
    node.cluster.set(web);
    let delta = node.cluster.set_pods("web", &[1]);
    let key = delta.changes[0].key.clone();
    assert_eq!(key.service.name, "web");
    node.reconcile();
    assert_eq!(asks(&node).name(), "pod-1");
}

#[test]
fn udp_sessions_end_when_they_are_idle_and_are_never_too_many() {
    let mut node = Node::new(1, || {
        open_with(UserspaceOptions {
            udp_idle: Duration::from_secs(3),
            udp_sessions: 50,
            ..UserspaceOptions::default()
        })
    });
    node.cluster.set(Cluster::service("web", 1));
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    node.world.client.with(|| {
        let sockets: Vec<_> = (0..300)
            .map(|_| {
                let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("there are ports");
                socket.send_to(b"?", FRONTEND).expect("it can be sent");
                socket
            })
            .collect();
        drop(sockets);
    });
    assert!(gauge(&mut node, "userspace_udp_sessions") <= 50.0);
    until("all sessions have ended", || {
        gauge(&mut node, "userspace_udp_sessions") == 0.0
    });
    assert_eq!(node.client_asks(Protocol::Udp, FRONTEND).name(), "pod-0");
}
