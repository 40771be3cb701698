//! Other options while the mode works: what is established goes on.

mod support;

use std::time::Duration;

use support::{gauge, open_with, until};
use tidegate_dataplane::Dataplane;
use tidegate_testnet::{Call, Node, Protocol, Talk, address};
use tidegate_userspace::UserspaceOptions;

const FRONTEND: &str = "10.96.0.1:80";

/// With UDP sessions that outlive any test.
fn options() -> UserspaceOptions {
    UserspaceOptions {
        dial_timeouts: vec![Duration::from_secs(30)],
        udp_idle: Duration::from_secs(3600),
        ..UserspaceOptions::default()
    }
}

fn open() -> Box<dyn Dataplane> {
    open_with(options())
}

#[test]
fn connections_outlive_a_change_of_options_and_new_sessions_follow_it() {
    let mut node = Node::with_web(1, open);
    let mut talk = node.world.client.with(|| {
        let mut talk = Talk::open(Call::new(Protocol::Tcp, address(FRONTEND)));
        if let Ok(talk) = &mut talk {
            talk.ask().expect("it is open");
        }
        talk.expect("the Service serves")
    });
    let hurried = UserspaceOptions {
        udp_idle: Duration::from_millis(10),
        loopback_node_ports: false,
        ..options()
    };
    assert!(node.on_node(move |mode| mode.take_options(&hurried)));
    node.reconcile();
    assert_eq!(talk.ask().expect("it is open").0, "pod-0");
    assert_eq!(node.client_asks(Protocol::Tcp, FRONTEND).name(), "pod-0");
    assert_eq!(node.client_asks(Protocol::Udp, FRONTEND).name(), "pod-0");
    until("no session is left", || {
        gauge(&mut node, "userspace_udp_sessions") == 0.0
    });
    assert_eq!(talk.ask().expect("it is open").0, "pod-0");
}

#[test]
fn what_the_threads_were_started_with_can_not_change() {
    let mut node = Node::with_web(1, open);
    let more_threads = UserspaceOptions {
        threads: options().threads + 1,
        ..options()
    };
    assert!(!node.on_node(move |mode| mode.take_options(&more_threads)));
    assert!(!node.on_node(|mode| mode.take_options(&7_u32)));
}
