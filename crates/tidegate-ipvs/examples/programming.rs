//! How long programming takes: from nothing, for one change, and for an audit that finds nothing.
//!
//! Works in a network namespace of its own, which ends with this program. Prints JSON. Needs root
//! and a kernel with IPVS; where there is none, `scripts/in-vm` has one:
//!
//! `scripts/in-vm target/release/examples/programming [SERVICES [ENDPOINTS]]`, 10,000 and 10 if not
//! given.

#![allow(
    clippy::print_stdout,
    reason = "printing the figures is what this program is for"
)]

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};
use tidegate_dataplane::{Dataplane, Outcome};
use tidegate_ipvs::{IpvsMode, IpvsOptions};
use tidegate_model::{
    ClusterIp, EndpointAddr, IpFamily, Protocol, ServiceKey, ServicePortName, SessionAffinity,
};
use tidegate_plan::{
    Backend, BackendSet, Decision, Delta, Frontend, FrontendAddress, Masquerade, Plan, PlanKey,
    PlanSettings, PodTraffic, PortPlan, ServiceChange, ServicePlan, Sources,
};

type Failure = Box<dyn Error>;

/// How often a change is timed. The mean counts: the clock of a virtual machine may be too coarse
/// for a single one.
const CHANGES: u32 = 50;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u32>());
    let services = arguments.next().transpose()?.unwrap_or(10_000);
    let endpoints = arguments.next().transpose()?.unwrap_or(10);
    unshare(CloneFlags::CLONE_NEWNET)?;
    // The kernel takes only real servers that there is a route to.
    for line in ["link set lo up", "route add 10.128.0.0/9 dev lo"] {
        let done = Command::new("ip").args(line.split(' ')).status()?;
        if !done.success() {
            return Err(format!("ip {line} failed").into());
        }
    }
    let plan = plan(services, endpoints);
    let mut mode = IpvsMode::open(IpvsOptions::default())?;
    let from_empty = timed(|| accepted(mode.reconcile(&plan)?))?;
    let one_change = mean_change(&mut mode, services, &|service| {
        let mut after = backends(service, endpoints);
        after[0].addr.port = 8080;
        (backends(service, endpoints), after)
    })?;
    let one_more = mean_change(&mut mode, services, &|service| {
        let after = backends(service, endpoints + 1);
        (backends(service, endpoints), after)
    })?;
    accepted(mode.reconcile(&plan)?)?;
    let audit = timed(|| accepted(mode.reconcile(&plan)?))?;
    let report = serde_json::json!({
        "services": services,
        "endpoints_each": endpoints,
        "from_empty_seconds": from_empty,
        "one_endpoint_change_seconds": one_change,
        "one_endpoint_more_seconds": one_more,
        "reconcile_without_changes_seconds": audit,
        "resident_bytes": resident_bytes()?,
    });
    println!("{report:#}");
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<(), Failure>) -> Result<f64, Failure> {
    let begun = Instant::now();
    work()?;
    Ok(begun.elapsed().as_secs_f64())
}

fn accepted(outcome: Outcome) -> Result<(), Failure> {
    match outcome.refused.first() {
        Some(refusal) => Err(refusal.to_string().into()),
        None => Ok(()),
    }
}

/// Times changes of single Services. Each is undone, untimed, so that the next kind of change finds
/// what it expects.
fn mean_change(
    mode: &mut IpvsMode,
    services: u32,
    change: &dyn Fn(u32) -> (Vec<Backend>, Vec<Backend>),
) -> Result<f64, Failure> {
    let mut total = 0.0;
    for number in (0..).step_by(7).take(CHANGES as usize) {
        let service = number % services;
        let (before, after) = change(service);
        let there = delta(service, &before, &after);
        total += timed(|| accepted(mode.apply(&there)?))?;
        accepted(mode.apply(&delta(service, &after, &before))?)?;
    }
    Ok(total / f64::from(CHANGES))
}

fn resident_bytes() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB");
    Ok(kilobytes.parse::<u64>()? * 1024)
}

fn backends(service: u32, endpoints: u32) -> Vec<Backend> {
    let first = u32::from(Ipv4Addr::new(10, 128, 0, 0));
    let backend = |number| Backend {
        addr: EndpointAddr {
            ip: IpAddr::V4(Ipv4Addr::from(first + service * 64 + number)),
            port: 9376,
        },
        weight: 1,
        local: false,
        draining: false,
    };
    (0..endpoints).map(backend).collect()
}

fn service_plan(service: u32, backends: Vec<Backend>) -> ServicePlan {
    let key = PlanKey {
        service: ServiceKey::new("default", format!("service-{service}")),
        family: IpFamily::V4,
    };
    let first = u32::from(Ipv4Addr::new(10, 96, 0, 0));
    let ip = ClusterIp(IpAddr::V4(Ipv4Addr::from(first + service)));
    let decision = Decision::Balance(BackendSet::Cluster);
    ServicePlan {
        cluster_ips: vec![ip],
        ports: vec![PortPlan {
            name: ServicePortName {
                service: key.service.clone(),
                port: String::new(),
                protocol: Protocol::Tcp,
            },
            frontends: vec![Frontend {
                address: FrontendAddress::ClusterIp(ip),
                port: 80,
                inside: decision,
                outside: decision,
                masquerade: Masquerade::FromOutsideThePods,
                sources: Sources::Anyone,
            }],
            cluster_backends: backends,
            local_backends: Vec::new(),
            affinity: SessionAffinity::None,
            scheduler: None,
        }],
        key,
    }
}

fn plan(services: u32, endpoints: u32) -> Plan {
    let services = (0..services).map(|service| {
        let plan = service_plan(service, backends(service, endpoints));
        (plan.key.clone(), Arc::new(plan))
    });
    Plan {
        settings: PlanSettings {
            node: "node".to_owned(),
            pod_traffic: PodTraffic::Unknown,
            ..PlanSettings::default()
        },
        services: services.collect(),
    }
}

fn delta(service: u32, before: &[Backend], after: &[Backend]) -> Delta {
    let before = Arc::new(service_plan(service, before.to_vec()));
    let after = Arc::new(service_plan(service, after.to_vec()));
    Delta {
        changes: vec![ServiceChange {
            key: after.key.clone(),
            before: Some(before),
            after: Some(after),
        }],
        problems: Vec::new(),
    }
}
