//! Connections of backends, Services and a mode that go.

use tidegate_dataplane::Retired;
use tidegate_model::{Scheduler, TrafficPolicy};
use tidegate_testnet::Node;

use crate::support::*;

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_change_leaves_established_connections_alone() {
    let mut node = Node::with_web(2, open);
    let mut talk = node.client_talks("10.96.0.1:80");
    let before = talk.ask().expect("it stands");
    for pods in [&[0][..], &[1], &[], &[0, 1]] {
        let delta = node.cluster.set_pods("web", pods);
        node.apply(delta);
        assert_eq!(talk.ask().as_ref(), Ok(&before));
        node.reconcile();
        assert_eq!(talk.ask().as_ref(), Ok(&before));
    }
    let delta = node.cluster.remove("web");
    node.apply(delta);
    assert_eq!(talk.ask().as_ref(), Ok(&before));
    node.reconcile();
    assert_eq!(talk.ask().as_ref(), Ok(&before));
    // Nobody else gets in.
    assert_eq!(
        node.client_asks(Protocol::Tcp, "10.96.0.1:80"),
        Answer::Silence
    );
    assert_eq!(
        node.node_asks(Protocol::Tcp, "10.96.0.1:80"),
        Answer::Silence
    );
    drop(talk);
    until(|| {
        node.reconcile();
        listed(&node).is_empty() && !everything(&node).contains("10.96.0.1")
    });
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_backend_that_drains_gets_nothing_new_and_goes_when_its_connections_have_ended() {
    for scheduler in ["rr", "sh", "mh", "lc"] {
        let mut node = Node::new(2, open);
        let mut web = Cluster::service("web", 1);
        web.scheduler = Some(Scheduler(scheduler.to_owned()));
        node.cluster.set(web);
        node.cluster.set_pods("web", &[0]);
        node.reconcile();
        let mut talk = node.client_talks("10.96.0.1:80");
        let delta = node.cluster.set_pods("web", &[1]);
        node.apply(delta);
        let lines = listed(&node);
        assert!(
            lines.contains(&"-> 10.244.0.11:9376 Masq 0 1 0".to_owned()),
            "{lines:?}"
        );
        for _ in 0..10 {
            assert_eq!(
                node.client_asks(Protocol::Tcp, "10.96.0.1:80").name(),
                "pod-1"
            );
        }
        assert_eq!(talk.ask().expect("it stands").0, "pod-0");
        // A process that comes new finds it draining and leaves it so.
        node.restart();
        node.reconcile();
        assert_eq!(talk.ask().expect("it stands").0, "pod-0");
        assert_eq!(listed(&node).len(), lines.len());
        // Back again, it serves again.
        let delta = node.cluster.set_pods("web", &[0, 1]);
        node.apply(delta);
        let lines = listed(&node);
        assert!(
            lines.contains(&"-> 10.244.0.11:9376 Masq 1 1 0".to_owned()),
            "{lines:?}"
        );
        assert_eq!(talk.ask().expect("it stands").0, "pod-0");
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_client_that_uses_its_port_again_reaches_a_living_backend_without_a_reset() {
    const PORT: u16 = 4321;
    let mut node = Node::with_web(2, open);
    // The client's kernel lets it use a port again as soon as the other end has closed, too.
    node.world.client.with(|| {
        let switch = "/proc/sys/net/ipv4/tcp_max_tw_buckets";
        std::fs::write(switch, "0").expect("the tests run as root");
    });
    let from_port = |node: &Node| {
        node.world.client.with(|| {
            until(|| {
                let sockets = std::fs::read_to_string("/proc/thread-self/net/tcp");
                let local = format!(":{PORT:04X} ");
                sockets.is_ok_and(|sockets| !sockets.contains(&local))
            });
            let call = Call::new(Protocol::Tcp, address("10.96.0.1:80"));
            call.from(ip("192.0.2.2"), PORT).make()
        })
    };
    for round in 0..6 {
        let delta = node.cluster.set_pods("web", &[round % 2]);
        if !delta.is_empty() {
            node.apply(delta);
        }
        // The kernel remembers the former connection from this port, and where it went.
        let name = format!("pod-{}", round % 2);
        assert_eq!(from_port(&node).name(), name, "round {round}");
        assert_eq!(from_port(&node).name(), name, "round {round}, again");
    }
}

#[test]
#[ignore = "needs IPVS: runs in the virtual machine"]
fn a_mode_that_retires_keeps_connections_and_then_leaves_nothing() {
    let mut node = Node::new(1, open);
    // The other mode, as far as it matters: the kernel tracks connections only where a rule of
    // somebody's wants it, and without that nobody's source address is translated.
    let others = "iptables -t nat -A POSTROUTING -s 10.9.9.9 -j MASQUERADE";
    node.world.node.run(others);
    let clean = everything(&node);
    let mut web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    web.external_policy = TrafficPolicy::Local;
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0]);
    node.reconcile();
    let mut talks = ["10.96.0.1:80", "192.0.2.1:30080"].map(|to| node.client_talks(to));
    let retire = |node: &mut Node| node.on_node(|mode| mode.retire().expect("it can retire"));
    for _ in 0..2 {
        assert_eq!(retire(&mut node), Retired::Draining(2));
        for talk in &mut talks {
            assert_eq!(talk.ask().expect("it stands").0, "pod-0");
        }
    }
    assert_eq!(node.world.node.run("iptables-save").find("KUBE"), None);
    // Wanted again before it was gone, it serves again, and connections go on.
    node.reconcile();
    assert_eq!(
        node.client_asks(Protocol::Tcp, "192.0.2.1:30080").name(),
        "pod-0"
    );
    for talk in &mut talks {
        assert_eq!(talk.ask().expect("it stands").0, "pod-0");
    }
    assert!(matches!(retire(&mut node), Retired::Draining(2..)));
    drop(talks);
    until(|| retire(&mut node) == Retired::Gone);
    assert_eq!(everything(&node), clean);
}
