//! How long programming takes: this mode against one chain and one anonymous map per Service.
//!
//! The other shape is the one that kube-proxy 1.36 gives its nftables mode, generated here and
//! loaded with `nft -f` as kube-proxy does. Both work in a network namespace of their own, which
//! ends with this program. Prints JSON. Needs root and `nft`.
//!
//! `programming [SERVICES [ENDPOINTS]]`, 10,000 and 10 if not given.

#![allow(
    clippy::print_stdout,
    reason = "printing the figures is what this program is for"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use nix::sched::{CloneFlags, unshare};
use tidegate_dataplane::Dataplane;
use tidegate_model::{
    ClusterIp, EndpointAddr, IpFamily, Protocol, ServiceKey, ServicePortName, SessionAffinity,
};
use tidegate_nftables::NftablesMode;
use tidegate_plan::{
    Backend, BackendSet, Decision, Delta, Frontend, FrontendAddress, Masquerade, Plan, PlanKey,
    PlanSettings, PodTraffic, PortPlan, ServiceChange, ServicePlan, Sources,
};

type Failure = Box<dyn Error>;

/// How often a change is timed; the median counts.
const CHANGES: usize = 21;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u32>());
    let services = arguments.next().transpose()?.unwrap_or(10_000);
    let endpoints = arguments.next().transpose()?.unwrap_or(10);
    let ours = measure_ours(services, endpoints)?;
    let theirs = measure_theirs(services, endpoints)?;
    let compared = |ours: f64, theirs: f64| {
        serde_json::json!({
            "tidegate_seconds": ours,
            "chain_per_service_seconds": theirs,
            "times_faster": (theirs / ours * 10.0).round() / 10.0,
        })
    };
    let report = serde_json::json!({
        "services": services,
        "endpoints_each": endpoints,
        "from_empty": compared(ours.from_empty, theirs.from_empty),
        "one_endpoint_change": compared(ours.one_change, theirs.one_change),
        "one_endpoint_more_or_less": compared(ours.one_more, theirs.one_change),
        "reconcile_without_changes_seconds": ours.audit,
    });
    println!("{report:#}");
    Ok(())
}

struct Ours {
    from_empty: f64,
    one_change: f64,
    one_more: f64,
    audit: f64,
}

struct Theirs {
    from_empty: f64,
    one_change: f64,
}

fn measure_ours(services: u32, endpoints: u32) -> Result<Ours, Failure> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let plan = plan(services, endpoints);
    let mut mode = NftablesMode::open()?;
    let begun = Instant::now();
    mode.reconcile(&plan)?;
    let from_empty = begun.elapsed().as_secs_f64();
    let mut timed = |first: u32, change: &dyn Fn(u32) -> (Vec<Backend>, Vec<Backend>)| {
        let mut times = Vec::new();
        for service in (first..).step_by(7).take(CHANGES) {
            let (before, after) = change(service % services);
            let delta = delta(service % services, &before, &after);
            let begun = Instant::now();
            let outcome = mode.apply(&delta)?;
            times.push(begun.elapsed().as_secs_f64());
            if let Some(refusal) = outcome.refused.first() {
                return Err(Failure::from(refusal.to_string()));
            }
        }
        Ok(median(times))
    };
    let one_change = timed(0, &|service| {
        let mut after = backends(service, endpoints);
        after[0].addr.port = 8080;
        (backends(service, endpoints), after)
    })?;
    let one_more = timed(3, &|service| {
        (
            backends(service, endpoints),
            backends(service, endpoints + 1),
        )
    })?;
    let mut changed = plan;
    mode.reconcile(&changed)?;
    let begun = Instant::now();
    mode.reconcile(&changed)?;
    let audit = begun.elapsed().as_secs_f64();
    changed.services.clear();
    Ok(Ours {
        from_empty,
        one_change,
        one_more,
        audit,
    })
}

fn measure_theirs(services: u32, endpoints: u32) -> Result<Theirs, Failure> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let begun = Instant::now();
    nft(&their_program(services, endpoints)?)?;
    let from_empty = begun.elapsed().as_secs_f64();
    let mut times = Vec::new();
    for service in (0..services).step_by(7).take(7) {
        let chain = their_chain(service);
        let mut change = format!("flush chain ip other {chain}\n");
        for rule in their_rules(service, endpoints + 1)? {
            writeln!(change, "add rule ip other {chain} {rule}")?;
        }
        let begun = Instant::now();
        nft(&change)?;
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(Theirs {
        from_empty,
        one_change: median(times),
    })
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn cluster_ip(service: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 96, 0, 0)) + service)
}

fn endpoint(service: u32, endpoint: u32) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(10, 128, 0, 0)) + service * 64 + endpoint)
}

fn backends(service: u32, endpoints: u32) -> Vec<Backend> {
    let backend = |number| Backend {
        addr: EndpointAddr {
            ip: IpAddr::V4(endpoint(service, number)),
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
    let ip = ClusterIp(IpAddr::V4(cluster_ip(service)));
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
            pod_traffic: PodTraffic::Cidrs(Vec::new()),
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

fn their_chain(service: u32) -> String {
    format!("service-{service:08X}-default/service-{service}/tcp/80")
}

fn their_rules(service: u32, endpoints: u32) -> Result<[String; 2], Failure> {
    let ip = cluster_ip(service);
    let mut map = String::new();
    for number in 0..endpoints {
        write!(map, "{number} : {} . 9376, ", endpoint(service, number))?;
    }
    Ok([
        format!("ip daddr {ip} tcp dport 80 ip saddr != 10.0.0.0/8 jump mark-for-masquerade"),
        format!(
            "meta l4proto tcp dnat ip addr . port to numgen random mod {endpoints} map {{ {map} }}"
        ),
    ])
}

fn their_program(services: u32, endpoints: u32) -> Result<String, Failure> {
    let mut text = "table ip other {\n\
        chain mark-for-masquerade { meta mark set meta mark | 0x4000; }\n"
        .to_owned();
    for service in 0..services {
        let [masquerade, balance] = their_rules(service, endpoints)?;
        let chain = their_chain(service);
        writeln!(text, "chain {chain} {{\n{masquerade}\n{balance}\n}}")?;
    }
    text.push_str(
        "map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = {\n",
    );
    for service in 0..services {
        let (ip, chain) = (cluster_ip(service), their_chain(service));
        writeln!(text, "{ip} . tcp . 80 : goto {chain},")?;
    }
    text.push_str(
        "} }\n\
         chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }\n\
         chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }\n\
         chain nat-output { type nat hook output priority -100; jump services; }\n\
         chain nat-postrouting { type nat hook postrouting priority srcnat; meta mark & 0x4000 != 0 masquerade fully-random; }\n}\n",
    );
    Ok(text)
}

fn nft(program: &str) -> Result<(), Failure> {
    let mut nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .spawn()?;
    let input = nft.stdin.take();
    input
        .ok_or("nft takes no input")?
        .write_all(program.as_bytes())?;
    match nft.wait()?.success() {
        true => Ok(()),
        false => Err("nft refused the other shape's program".into()),
    }
}
