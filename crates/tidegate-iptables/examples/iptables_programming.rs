//! How long programming takes, beside what `iptables-restore` alone needs for the same text.
//!
//! Works in network namespaces of its own, which end with this program. Prints JSON. Needs root
//! and iptables.
//!
//! `iptables_programming [SERVICES [ENDPOINTS [legacy|nft]]]`: 10,000, 10 and both if not given.

#![allow(
    clippy::print_stdout,
    reason = "printing the figures is what this program is for"
)]

use std::error::Error;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tidegate_dataplane::Dataplane;
use tidegate_iptables::{IptablesMode, IptablesOptions, Variant, render};
use tidegate_model::{
    ClusterIp, EndpointAddr, IpFamily, Protocol, ServiceKey, ServicePortName, SessionAffinity,
};
use tidegate_plan::{
    Backend, BackendSet, Decision, Delta, Frontend, FrontendAddress, Masquerade, Plan, PlanKey,
    PlanSettings, PodTraffic, PortPlan, ServiceChange, ServicePlan, Sources,
};

type Failure = Box<dyn Error>;

/// How often a change is timed; the median counts.
const CHANGES: u32 = 7;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (services, endpoints) = (number(10_000)?, number(10)?);
    let variants = match arguments.next().as_deref() {
        Some("legacy") => vec![Variant::Legacy],
        Some("nft") => vec![Variant::Nft],
        _ => vec![Variant::Legacy, Variant::Nft],
    };
    for variant in variants {
        println!("{:#}", measure(variant, services, endpoints)?);
    }
    Ok(())
}

fn measure(variant: Variant, services: u32, endpoints: u32) -> Result<serde_json::Value, Failure> {
    let options = IptablesOptions {
        variant,
        ..IptablesOptions::default()
    };
    let plan = plan(services, endpoints);
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mut mode = IptablesMode::open(options.clone())?;
    let (from_empty, outcome) = timed(|| mode.reconcile(&plan))?;
    if let Some(refusal) = outcome.refused.first() {
        return Err(refusal.to_string().into());
    }
    let (audit, audit_result) = timed(|| mode.reconcile(&plan))?;
    if audit_result.changed > 0 {
        return Err(format!("not what was programmed: {:?}", audit_result.drift).into());
    }
    let mut median = |first: u32, change: &dyn Fn(u32) -> Delta| {
        let mut times = Vec::new();
        for service in (first..).step_by(7).take(CHANGES as usize) {
            let delta = change(service % services);
            let (taken, outcome) = timed(|| mode.apply(&delta))?;
            times.push(taken);
            if let Some(refusal) = outcome.refused.first() {
                return Err(Failure::from(refusal.to_string()));
            }
        }
        times.sort_by(|one, other| one.wall.total_cmp(&other.wall));
        Ok(times[times.len() / 2].json())
    };
    let endpoint = median(0, &|service| {
        let mut after = backends(service, endpoints);
        after[0].addr.port = 8080;
        let before = service_plan(service, backends(service, endpoints));
        delta(Some(before), Some(service_plan(service, after)))
    })?;
    let removal = median(3, &|service| {
        delta(
            Some(service_plan(service, backends(service, endpoints))),
            None,
        )
    })?;
    let addition = median(3, &|service| {
        delta(
            None,
            Some(service_plan(service, backends(service, endpoints))),
        )
    })?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    let text = render(&plan, &options);
    let (text, _) = text.split_once("# IPv6").ok_or("a text for each family")?;
    let infix = match variant {
        Variant::Legacy => "legacy",
        Variant::Nft | Variant::Auto => "nft",
    };
    let (alone, ()) = timed(|| restore(infix, text))?;
    // The least that any change costs: one rule in a chain that nothing leads to.
    let rule = "*nat\n:FLOOR - [0:0]\n-A FLOOR -j KUBE-MARK-MASQ\nCOMMIT\n";
    let (floor, ()) = timed(|| restore(infix, rule))?;
    Ok(serde_json::json!({
        "variant": infix,
        "services": services,
        "endpoints_each": endpoints,
        "from_empty": from_empty.json(),
        "the_same_text_alone": alone.json(),
        "ratio": from_empty.wall / alone.wall,
        "ratio_of_cpu": from_empty.cpu / alone.cpu,
        "reconcile_without_changes": audit.json(),
        "one_endpoint_change": endpoint,
        "one_service_less": removal,
        "one_service_more": addition,
        "one_unrelated_rule_alone": floor.json(),
    }))
}

/// How long something took, in seconds of a clock and of processors. On a busy machine only the
/// latter tell something.
#[derive(Clone, Copy)]
struct Taken {
    wall: f64,
    cpu: f64,
}

impl Taken {
    fn json(self) -> serde_json::Value {
        serde_json::json!({ "seconds": self.wall, "cpu_seconds": self.cpu })
    }
}

fn timed<T, E: Into<Failure>>(work: impl FnOnce() -> Result<T, E>) -> Result<(Taken, T), Failure> {
    let (begun, cpu) = (Instant::now(), cpu_seconds()?);
    let result = work().map_err(Into::into)?;
    let taken = Taken {
        wall: begun.elapsed().as_secs_f64(),
        cpu: cpu_seconds()? - cpu,
    };
    Ok((taken, result))
}

/// What this process and those that it started have used so far.
fn cpu_seconds() -> Result<f64, Failure> {
    let mut seconds = 0.0;
    for who in [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN] {
        let usage = getrusage(who)?;
        for time in [usage.user_time(), usage.system_time()] {
            seconds += Duration::from_micros(u64::try_from(time.num_microseconds())?).as_secs_f64();
        }
    }
    Ok(seconds)
}

fn restore(infix: &str, text: &str) -> Result<(), Failure> {
    let mut restore = Command::new(format!("iptables-{infix}-restore"))
        .args(["-w", "60", "--noflush", "--counters"])
        .stdin(Stdio::piped())
        .spawn()?;
    let input = restore.stdin.take();
    input
        .ok_or("it takes no input")?
        .write_all(text.as_bytes())?;
    match restore.wait()?.success() {
        true => Ok(()),
        false => Err("iptables-restore refused the text".into()),
    }
}

fn cluster_ip(service: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 96, 0, 0)) + service)
}

fn backends(service: u32, endpoints: u32) -> Vec<Backend> {
    let first = u32::from(Ipv4Addr::new(10, 128, 0, 0)) + service * 64;
    let backend = |number| Backend {
        addr: EndpointAddr {
            ip: IpAddr::V4(Ipv4Addr::from(first + number)),
            port: 9376,
        },
        weight: 1,
        local: false,
        draining: false,
    };
    (0..endpoints).map(backend).collect()
}

fn service_plan(service: u32, backends: Vec<Backend>) -> Arc<ServicePlan> {
    let key = PlanKey {
        service: ServiceKey::new("default", format!("service-{service}")),
        family: IpFamily::V4,
    };
    let ip = ClusterIp(IpAddr::V4(cluster_ip(service)));
    let decision = Decision::Balance(BackendSet::Cluster);
    Arc::new(ServicePlan {
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
    })
}

fn plan(services: u32, endpoints: u32) -> Plan {
    let services = (0..services).map(|service| {
        let plan = service_plan(service, backends(service, endpoints));
        (plan.key.clone(), plan)
    });
    let net = |address: [u8; 4], length| ipnet::IpNet::new_assert(IpAddr::from(address), length);
    Plan {
        settings: PlanSettings {
            node: "node".to_owned(),
            service_cidrs: vec![net([10, 96, 0, 0], 12)],
            pod_traffic: PodTraffic::Cidrs(vec![net([10, 128, 0, 0], 9)]),
            ..PlanSettings::default()
        },
        services: services.collect(),
    }
}

fn delta(before: Option<Arc<ServicePlan>>, after: Option<Arc<ServicePlan>>) -> Delta {
    let key = before
        .as_ref()
        .or(after.as_ref())
        .map(|one| one.key.clone());
    let change = key.map(|key| ServiceChange { key, before, after });
    Delta {
        changes: change.into_iter().collect(),
        problems: Vec::new(),
    }
}
