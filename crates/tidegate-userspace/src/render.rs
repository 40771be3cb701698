//! A plan as the userspace mode would serve it, for people.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddr;

use tidegate_model::SessionAffinity;
use tidegate_netlink::nftables::Family;
use tidegate_plan::{BackendSet, Decision, Frontend, Plan, PlanKey, PortPlan, Sources};

use crate::UserspaceOptions;
use crate::address::listener_addresses;
use crate::balance::SCHEDULERS;
use crate::listeners::{family_of, sets_in_use, transport};
use crate::redirect::{Addresses, Content, wanted};

/// Where the ports in print begin: those of real listeners are the kernel's choice.
const FIRST_PORT: u16 = 40_000;

/// Prints the program that a plan becomes: a table of listeners, each with the frontends that lead
/// there and the backends that it leads to, and then the redirects as `nft list` would print them.
///
/// The listeners' ports are handed out by the kernel at run time; here they are counted.
pub fn render(plan: &Plan) -> String {
    let addresses = addresses(plan);
    let mut out = String::new();
    for (key, service) in &plan.services {
        for port in &service.ports {
            write_port(&mut out, key, port, &addresses);
        }
    }
    let services = plan.services.iter();
    let contents: BTreeMap<PlanKey, Content> = services
        .map(|(key, service)| (key.clone(), Content::of(service, &addresses)))
        .collect();
    for family in Family::ALL {
        let options = UserspaceOptions::default().frame();
        let wanted = wanted(family, &plan.settings, options, &contents);
        out.push_str(&wanted.listing().to_string());
    }
    out
}

/// Listeners for a plan, with ports that are counted in the order of names.
fn addresses(plan: &Plan) -> Addresses {
    let mut addresses = Addresses::new();
    let mut next = FIRST_PORT;
    for (key, service) in &plan.services {
        let ports = service.ports.iter();
        for port in ports.filter(|port| transport(port.name.protocol).is_some()) {
            for set in sets_in_use(port) {
                let ip = listener_addresses(family_of(key.family)).next();
                if let Some(ip) = ip {
                    let name = (port.name.clone(), key.family, set);
                    addresses.insert(name, SocketAddr::new(ip, next));
                }
                next = next.checked_add(1).unwrap_or(FIRST_PORT);
            }
        }
    }
    addresses
}

fn write_port(out: &mut String, key: &PlanKey, port: &PortPlan, addresses: &Addresses) {
    let line = |out: &mut String, text: String| {
        // Writing to a text can't fail.
        let _ = writeln!(out, "{text}");
    };
    line(out, format!("{} ({})", port.name, key.family));
    if transport(port.name.protocol).is_none() {
        line(
            out,
            "  not served: SCTP isn't forwarded in user space\n".to_owned(),
        );
        return;
    }
    for frontend in &port.frontends {
        let name = |set| (port.name.clone(), key.family, set);
        let shown = |decision| match decision {
            Decision::Balance(set) => match addresses.get(&name(set)) {
                Some(listener) => format!("{} at {listener}", set_name(set)),
                None => "reject".to_owned(),
            },
            Decision::Reject => "reject".to_owned(),
            Decision::Drop => "drop".to_owned(),
        };
        let outside = shown(frontend.outside);
        let mut text = format!("  {:<32} -> {outside}", frontend_name(frontend));
        if frontend.inside != frontend.outside {
            text.push_str(&format!(
                "; from pods and this node: {}",
                shown(frontend.inside)
            ));
        }
        if let Sources::Only(ranges) = &frontend.sources {
            let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
            text.push_str(&format!("; only from {}", ranges.join(", ")));
        }
        line(out, text);
    }
    for set in sets_in_use(port) {
        let backends = port.backends(set).iter().map(|backend| {
            let draining = if backend.draining { " (draining)" } else { "" };
            match backend.weight {
                1 => format!("{}{draining}", backend.addr),
                weight => format!("{} weight {weight}{draining}", backend.addr),
            }
        });
        let backends: Vec<String> = backends.collect();
        let affinity = match port.affinity {
            SessionAffinity::None => String::new(),
            SessionAffinity::ClientIp(time) => format!(", clients stay for {} s", time.as_secs()),
        };
        let asked = port
            .scheduler
            .as_ref()
            .map(|scheduler| scheduler.0.as_str());
        let known = asked.filter(|name| SCHEDULERS.contains(name));
        let scheduler = known.or(SCHEDULERS.first().copied()).unwrap_or_default();
        let name = set_name(set);
        line(
            out,
            format!("  {name}: {scheduler}{affinity}: {}", backends.join(", ")),
        );
    }
    out.push('\n');
}

fn set_name(set: BackendSet) -> &'static str {
    match set {
        BackendSet::Cluster => "all backends",
        BackendSet::Local => "local backends",
    }
}

fn frontend_name(frontend: &Frontend) -> String {
    match frontend.address.ip() {
        Some(ip) => SocketAddr::new(ip, frontend.port).to_string(),
        None => format!("node port {}", frontend.port),
    }
}
