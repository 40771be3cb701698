//! What the tests of this crate share.

#![allow(dead_code, reason = "not every test needs everything")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tidegate_dataplane::Dataplane;
use tidegate_model::{EndpointAddr, IpFamily};
use tidegate_plan::Delta;
use tidegate_testnet::{Cluster, Node, endpoint};
use tidegate_userspace::{UserspaceMode, UserspaceOptions};

/// The mode as a node has it, but for the time that a backend has to answer: on a machine that is
/// busy with other tests, one may need longer.
pub(crate) fn open() -> Box<dyn Dataplane> {
    open_with(UserspaceOptions {
        dial_timeouts: vec![Duration::from_secs(30)],
        ..UserspaceOptions::default()
    })
}

/// The mode with options.
pub(crate) fn open_with(options: UserspaceOptions) -> Box<dyn Dataplane> {
    let mode = UserspaceMode::open(options);
    Box::new(mode.expect("the kernel has all it needs"))
}

/// Waits for something that comes within milliseconds, for as long as a slow machine may need.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to be: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One of the mode's numbers.
pub(crate) fn gauge(node: &mut Node, name: &'static str) -> f64 {
    let gauges = node.on_node(|mode| mode.gauges());
    let gauge = gauges.into_iter().find(|gauge| gauge.name == name);
    gauge.expect("the mode tells this").value
}

/// Makes addresses the IPv4 endpoints of the Service `web`, for both of its ports.
pub(crate) fn set_endpoints(cluster: &mut Cluster, addresses: &[EndpointAddr]) -> Delta {
    let family = IpFamily::V4;
    let endpoints = addresses.iter();
    let endpoints = endpoints.map(|one| endpoint(one.ip, tidegate_testnet::NODE));
    let mut slice = Cluster::slice("web", family, endpoints.collect());
    for port in &mut slice.ports {
        port.port = addresses[0].port;
    }
    cluster.set_slice(slice)
}

/// Reads an address and port of an endpoint.
pub(crate) fn endpoint_at(text: &str) -> EndpointAddr {
    let address: SocketAddr = text.parse().expect("an address and port");
    EndpointAddr {
        ip: address.ip(),
        port: address.port(),
    }
}
