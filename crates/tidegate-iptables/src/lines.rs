//! The lines of a frontend in the chains that all Services share.

use tidegate_model::{NodePort, Protocol};
use tidegate_plan::{BackendSet, Decision, Frontend, FrontendAddress, PortPlan, Sources};

use crate::chains::Shared;
use crate::matches::{self, comment};
use crate::names::PortNames;

/// The lines that lead to the Service's chains, and those that refuse.
///
/// `to_node` are the matches for addresses that node ports answer on.
pub(crate) fn lines(
    port: &PortPlan,
    names: &PortNames,
    frontend: &Frontend,
    to_node: &[String],
) -> Vec<(Shared, String)> {
    let of_address = |what, chain| with_address(port, names, frontend, what, chain);
    match frontend.address {
        FrontendAddress::ClusterIp(_) => cluster_ip(port, names, frontend),
        FrontendAddress::ExternalIp(_) => of_address("external IP", &names.external),
        FrontendAddress::LoadBalancerIp(_) => match frontend.sources {
            Sources::Anyone => of_address("loadbalancer IP", &names.external),
            Sources::Only(_) => of_address("loadbalancer IP", &names.firewall),
        },
        FrontendAddress::NodePort(_) => node_port(port, names, frontend, to_node),
    }
}

/// The line that lets health checks in. As with upstream, a Service has one for each of its ports,
/// whether or not there are endpoints on this node: that is what is asked for.
pub(crate) fn health_check(names: &PortNames, NodePort(at): NodePort) -> (Shared, String) {
    let why = comment(&format!("{} health check node port", names.comment));
    let to = matches::port(Protocol::Tcp, at);
    (Shared::HealthChecks, format!("{why} {to} -j ACCEPT"))
}

/// Packets for a frontend that has an address of its own.
pub(crate) fn to_frontend(port: &PortPlan, frontend: &Frontend) -> Option<String> {
    let ip = frontend.address.ip()?;
    Some(matches::frontend(port.name.protocol, ip, frontend.port))
}

/// The chain that balances among a set of backends.
pub(crate) fn chain_of(names: &PortNames, set: BackendSet) -> &str {
    match set {
        BackendSet::Cluster => &names.cluster,
        BackendSet::Local => &names.local,
    }
}

/// Whether somebody's connections to this frontend go anywhere.
pub(crate) fn is_served(frontend: &Frontend) -> bool {
    let decisions = [frontend.inside, frontend.outside];
    decisions
        .iter()
        .any(|decision| matches!(decision, Decision::Balance(_)))
}

fn cluster_ip(port: &PortPlan, names: &PortNames, frontend: &Frontend) -> Vec<(Shared, String)> {
    let Some(to) = to_frontend(port, frontend) else {
        return Vec::new();
    };
    let line = match frontend.inside {
        Decision::Balance(set) => {
            let comment = comment(&format!("{} cluster IP", names.comment));
            let chain = chain_of(names, set);
            Some((Shared::Services, format!("{comment} {to} -j {chain}")))
        }
        decision => refusal(names, decision, &to).map(|line| (Shared::Refused, line)),
    };
    line.into_iter().collect()
}

fn with_address(
    port: &PortPlan,
    names: &PortNames,
    frontend: &Frontend,
    what: &str,
    chain: &str,
) -> Vec<(Shared, String)> {
    let Some(to) = to_frontend(port, frontend) else {
        return Vec::new();
    };
    let name = &names.comment;
    let mut lines = Vec::new();
    if is_served(frontend) {
        let comment_of_line = comment(&format!("{name} {what}"));
        let line = format!("{comment_of_line} {to} -j {chain}");
        lines.push((Shared::Services, line));
        if let Sources::Only(_) = frontend.sources {
            let why = comment(&format!("{name} traffic not accepted by {chain}"));
            lines.push((Shared::Firewall, format!("{why} {to} -j DROP")));
        }
    }
    let refused = refusal(names, frontend.outside, &to);
    lines.extend(refused.map(|line| (Shared::ExternalRefused, line)));
    lines
}

fn node_port(
    port: &PortPlan,
    names: &PortNames,
    frontend: &Frontend,
    to_node: &[String],
) -> Vec<(Shared, String)> {
    let to = matches::port(port.name.protocol, frontend.port);
    let served = is_served(frontend).then(|| {
        let line = format!("{} {to} -j {}", comment(&names.comment), names.external);
        (Shared::NodePorts, line)
    });
    let refused = to_node.iter().filter_map(|node| {
        let line = refusal(names, frontend.outside, &format!("{node} {to}"))?;
        Some((Shared::ExternalRefused, line))
    });
    served.into_iter().chain(refused).collect()
}

/// The line that refuses a connection, with the reason in upstream's words.
fn refusal(names: &PortNames, decision: Decision, to: &str) -> Option<String> {
    let (why, verdict) = match decision {
        Decision::Balance(_) => return None,
        Decision::Reject => ("has no endpoints", "REJECT"),
        Decision::Drop => ("has no local endpoints", "DROP"),
    };
    let why = comment(&format!("{} {why}", names.comment));
    Some(format!("{why} {to} -j {verdict}"))
}
