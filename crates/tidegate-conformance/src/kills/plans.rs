//! The Services that the killed proxy programs.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_model::{ExternalIp, LoadBalancerIp, Service, SessionAffinity};
use tidegate_plan::Plan;
use tidegate_testnet::Cluster;

use crate::Mode;

/// How many Services are called all the time; each has two pods that no other one has.
pub(super) const CALLED: u8 = 3;

/// How many pods there are: two for each Service that is called, two for all the others.
pub(super) const PODS: usize = 2 * CALLED as usize + 2;

/// The first of a called Service's two node ports, that of TCP; the one of UDP follows.
pub(super) fn node_port(called: u8) -> u16 {
    30_000 + 2 * u16::from(called)
}

/// The pods of a called Service.
pub(super) fn pods_of(called: u8) -> [usize; 2] {
    let first = 2 * (usize::from(called) - 1);
    [first, first + 1]
}

/// The plans that follow one another, and then start anew. Services that aren't called come and go.
pub(super) fn steps(mode: Mode) -> Vec<Plan> {
    (0..4).map(|step| plan(mode, Some(step))).collect()
}

/// The plan with all Services and all of their pods.
pub(super) fn at_rest(mode: Mode) -> Plan {
    plan(mode, None)
}

fn plan(mode: Mode, step: Option<usize>) -> Plan {
    // The slower a mode's updates are, the fewer Services make them easy to hit.
    let services = match (mode.needs_vm, mode.uses_programs) {
        (true, _) => 12,
        (false, true) => 30,
        (false, false) => 50,
    };
    let mut cluster = Cluster::new();
    for number in 1..=services {
        if number > CALLED && is_away(number, step) {
            continue;
        }
        let service = service(number);
        let name = service.key.name.clone();
        cluster.set(service);
        cluster.set_pods(&name, &pods_at(number, step));
    }
    cluster.plan().clone()
}

fn is_away(number: u8, step: Option<usize>) -> bool {
    step.is_some_and(|step| (usize::from(number) + step).is_multiple_of(5))
}

/// The pods of a Service: of a called one at least one at any time.
fn pods_at(number: u8, step: Option<usize>) -> Vec<usize> {
    let all = match number <= CALLED {
        true => pods_of(number),
        false => [PODS - 2, PODS - 1],
    };
    let Some(step) = step else {
        return all.to_vec();
    };
    let choices: BTreeMap<usize, &[usize]> = match number <= CALLED {
        true => [(0, &all[..]), (1, &all[..1]), (2, &all[1..])].into(),
        false => [(0, &all[..]), (1, &all[..1]), (2, &[][..])].into(),
    };
    choices[&((usize::from(number) + step) % 3)].to_vec()
}

/// A Service with node ports; some ask for more, so that everything a program has is changed.
fn service(number: u8) -> Service {
    let service = Cluster::service(&format!("service-{number}"), number);
    let mut service = Cluster::with_node_ports(service, node_port(number));
    if number > CALLED && number.is_multiple_of(7) {
        service.affinity = SessionAffinity::ClientIp(Duration::from_secs(600));
    }
    if number > CALLED && number.is_multiple_of(11) {
        service.external_ips = vec![ExternalIp([198, 51, 100, number].into())];
        service.load_balancer_ips = vec![LoadBalancerIp([203, 0, 113, number].into())];
        service.source_ranges = vec!["192.0.2.0/25".parse().expect("a network")];
    }
    service
}
