//! Node ports on 127.0.0.1 beside a mode of the kernel's.

mod support;

use std::net::{TcpListener, TcpStream};

use tidegate_dataplane::{Dataplane, MemoryDataplane, Retired};
use tidegate_plan::Delta;
use tidegate_testnet::{Answer, Call, Cluster, Node, Protocol, Talk, address};
use tidegate_userspace::{UserspaceOptions, WithLoopbackNodePorts};

fn open() -> Box<dyn Dataplane> {
    let inner = MemoryDataplane::default();
    let mode = WithLoopbackNodePorts::new(inner, &UserspaceOptions::default());
    Box::new(mode.expect("there are threads"))
}

fn with_node_ports() -> Node {
    let mut node = Node::new(2, open);
    let web = Cluster::with_node_ports(Cluster::service("web", 1), 30080);
    node.cluster.set(web);
    node.cluster.set_pods("web", &[0]);
    node
}

#[test]
fn node_ports_answer_on_localhost_and_follow_the_plan() {
    let mut node = with_node_ports();
    node.reconcile();
    assert_eq!(node.on_node(|mode| mode.mode()), "memory");
    for (protocol, to) in [
        (Protocol::Tcp, "127.0.0.1:30080"),
        (Protocol::Udp, "127.0.0.1:30081"),
    ] {
        assert_eq!(node.node_asks(protocol, to).name(), "pod-0");
    }
    let delta = node.cluster.set_pods("web", &[1]);
    node.apply(delta);
    let to = "127.0.0.1:30080";
    assert_eq!(node.node_asks(Protocol::Tcp, to).name(), "pod-1");
    // The port goes to another Service, in one step.
    let before = node.cluster.plan().clone();
    node.cluster.set(Cluster::service("web", 1));
    let other = Cluster::with_node_ports(Cluster::service("other", 2), 30080);
    node.cluster.set(other);
    node.cluster.set_pods("other", &[0]);
    let delta = Delta::between(&before, node.cluster.plan());
    node.apply(delta);
    assert_eq!(node.node_asks(Protocol::Tcp, to).name(), "pod-0");
    let delta = node.cluster.remove("other");
    node.apply(delta);
    assert_eq!(node.node_asks(Protocol::Tcp, to), Answer::Refused);
}

#[test]
fn a_port_of_another_process_is_told_and_the_others_work() {
    let mut node = with_node_ports();
    let theirs = node.world.node.with(|| TcpListener::bind("0.0.0.0:30080"));
    let plan = node.cluster.plan().clone();
    let outcome = node.on_node(move |mode| mode.reconcile(&plan));
    let outcome = outcome.expect("the inner mode takes it all");
    let refused: Vec<String> = outcome.refused.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(refused.join("\n"), @"the kernel refused a listener on 127.0.0.1:30080/tcp of default/web (IPv4): another process listens there");
    let udp = node.node_asks(Protocol::Udp, "127.0.0.1:30081");
    assert_eq!(udp.name(), "pod-0");
    drop(theirs);
    node.reconcile();
    let tcp = node.node_asks(Protocol::Tcp, "127.0.0.1:30080");
    assert_eq!(tcp.name(), "pod-0");
}

#[test]
fn retirement_waits_for_what_is_open() {
    let mut node = with_node_ports();
    node.reconcile();
    let mut talk = node.world.node.with(|| {
        let call = Call::new(Protocol::Tcp, address("127.0.0.1:30080"));
        let mut talk = Talk::open(call).expect("the node port serves");
        talk.ask().expect("it is open");
        talk
    });
    let retired = node.on_node(|mode| mode.retire()).expect("it can retire");
    assert_eq!(retired, Retired::Draining(1));
    talk.ask().expect("it is open");
    let refused = node.world.node.with(|| {
        let connected = TcpStream::connect("127.0.0.1:30080");
        connected.is_err()
    });
    assert!(refused);
    drop(talk);
    support::until("it is gone", || {
        let retired = node.on_node(|mode| mode.retire());
        retired.expect("it can retire") == Retired::Gone
    });
}
