//! From a Service's plan to its rules.

use std::collections::BTreeSet;

use ipnet::IpNet;
use tidegate_model::IpFamily;
use tidegate_plan::{
    BackendSet, Decision, Frontend, Masquerade, PlanSettings, PortPlan, ServicePlan, Sources,
};

use crate::balance::{choice, endpoint_chains};
use crate::chains::{MARK_MASQ, MARK_OUTSIDERS, Shared};
use crate::content::{Content, OwnChain};
use crate::lines::{chain_of, health_check, is_served, lines, to_frontend};
use crate::matches::{self, Pods, comment};
use crate::names::PortNames;
use crate::options::IptablesOptions;

/// What all Services' rules depend on.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pods: Pods,
    to_node: Vec<String>,
    service_ranges: Vec<IpNet>,
    /// Whether the rules of backends carry comments; upstream leaves them out in large clusters.
    with_comments: bool,
}

impl Writer {
    /// Writes for these settings.
    pub(crate) fn new(
        settings: &PlanSettings,
        options: &IptablesOptions,
        family: IpFamily,
        with_comments: bool,
    ) -> Self {
        Self {
            pods: Pods::of(settings, family),
            to_node: matches::to_node(settings, options, family),
            service_ranges: settings.service_cidrs_of(family).copied().collect(),
            with_comments,
        }
    }

    /// The rules of a Service.
    pub(crate) fn content(&self, plan: &ServicePlan) -> Content {
        let mut content = Content::default();
        for port in &plan.ports {
            let names = PortNames::of(&port.name);
            let frontends = port.frontends.iter();
            let lines = frontends.flat_map(|one| lines(port, &names, one, &self.to_node));
            content.lines.extend(lines);
            let asked_at = plan.health_check_node_port;
            content
                .lines
                .extend(asked_at.map(|at| health_check(&names, at)));
            self.add_chains(&mut content.chains, port, &names);
        }
        let name = comment(&plan.key.service.to_string());
        for ip in plan.cluster_ips.iter().map(|ip| ip.0) {
            // Only what is for the service ranges comes to this chain at all.
            if self.service_ranges.iter().any(|range| range.contains(&ip)) {
                let line = format!("{name} -d {ip} -j REJECT");
                content.lines.push((Shared::ClusterIps, line));
            }
        }
        content
    }

    fn add_chains(&self, chains: &mut Vec<OwnChain>, port: &PortPlan, names: &PortNames) {
        let sets = [BackendSet::Cluster, BackendSet::Local].map(|set| {
            let balances = Decision::Balance(set);
            let mut frontends = port.frontends.iter();
            let is_used = frontends.any(|one| [one.inside, one.outside].contains(&balances));
            (set, if is_used { port.backends(set) } else { &[] })
        });
        for (set, backends) in sets.iter().filter(|(_, backends)| !backends.is_empty()) {
            let mut rules = self.cluster_ip_masquerade(port, names, *set);
            rules.extend(choice(names, port.affinity, backends, self.with_comments));
            let name = chain_of(names, *set).to_owned();
            chains.push(OwnChain { name, rules });
        }
        let mut frontends = port.frontends.iter();
        if let Some(external) = frontends.find(|one| is_external(one) && is_served(one)) {
            chains.push(OwnChain {
                name: names.external.clone(),
                rules: self.external_rules(names, external),
            });
        }
        chains.extend(firewall(port, names));
        let sets = sets.map(|(_, backends)| backends);
        chains.extend(endpoint_chains(names, port, sets, self.with_comments));
    }

    /// Marks what comes to the cluster IPs and has to be masqueraded.
    fn cluster_ip_masquerade(
        &self,
        port: &PortPlan,
        names: &PortNames,
        set: BackendSet,
    ) -> Vec<String> {
        let balances = Decision::Balance(set);
        let balanced = port.frontends.iter();
        let balanced = balanced.filter(|one| !is_external(one) && one.inside == balances);
        let rule = |frontend: &Frontend| {
            let (who, mark) = match (frontend.masquerade, &self.pods) {
                (Masquerade::Always, _) => (String::new(), MARK_MASQ),
                (Masquerade::FromThisNode, _) => {
                    (" -m addrtype --src-type LOCAL".to_owned(), MARK_MASQ)
                }
                (Masquerade::FromOutsideThePods, Pods::By(pods)) => {
                    (format!(" ! {pods}"), MARK_MASQ)
                }
                (Masquerade::FromOutsideThePods, Pods::ByAny(_)) => (String::new(), MARK_OUTSIDERS),
                (Masquerade::FromOutsideThePods, Pods::Unknown) | (Masquerade::Never, _) => {
                    return None;
                }
            };
            let comment = comment(&format!("{} cluster IP", names.comment));
            let to = to_frontend(port, frontend)?;
            Some(format!("{comment} {to}{who} -j {mark}"))
        };
        balanced.filter_map(rule).collect()
    }

    /// What happens to connections to external addresses and node ports. The plan decides the same
    /// about all those of a port, which is why one chain can serve them.
    fn external_rules(&self, names: &PortNames, frontend: &Frontend) -> Vec<String> {
        let of = |what: &str| comment(&format!("{what} {} external destinations", names.comment));
        let mut rules = Vec::new();
        match (frontend.masquerade, frontend.inside) {
            (Masquerade::Always, _) => {
                rules.push(format!("{} -j {MARK_MASQ}", of("masquerade traffic for")));
            }
            (Masquerade::FromThisNode, Decision::Balance(set)) => {
                let local = "-m addrtype --src-type LOCAL";
                let to = chain_of(names, set);
                let why = of("pod traffic for");
                let pods = self.pods.matches().iter();
                rules.extend(pods.map(|pods| format!("{why} {pods} -j {to}")));
                let why = of("masquerade LOCAL traffic for");
                rules.push(format!("{why} {local} -j {MARK_MASQ}"));
                let why = of("route LOCAL traffic for");
                rules.push(format!("{why} {local} -j {to}"));
            }
            _ => {}
        }
        if let Decision::Balance(set) = frontend.outside {
            rules.push(format!("-j {}", chain_of(names, set)));
        }
        rules
    }
}

/// Lets the admitted sources through. The others come back without a translated destination, and
/// are dropped for that in the table `filter`.
///
/// As with upstream, who may use one of the load balancer's addresses may use the others too: they
/// differ only in that a node that is admitted may have that very address.
fn firewall(port: &PortPlan, names: &PortNames) -> Option<OwnChain> {
    let served = port.frontends.iter().filter(|one| is_served(one));
    let guarded: Vec<&Vec<IpNet>> = served
        .filter_map(|one| match &one.sources {
            Sources::Only(ranges) => Some(ranges),
            Sources::Anyone => None,
        })
        .collect();
    if guarded.is_empty() {
        return None;
    }
    let ranges: BTreeSet<&IpNet> = guarded.into_iter().flatten().collect();
    let admitted = comment(&format!("{} loadbalancer IP", names.comment));
    let rules = ranges
        .into_iter()
        .map(|range| format!("{admitted} -s {range} -j {}", names.external));
    let rest = format!(
        "other traffic to {} will be dropped by KUBE-PROXY-FIREWALL",
        names.comment
    );
    Some(OwnChain {
        name: names.firewall.clone(),
        rules: rules.chain([comment(&rest)]).collect(),
    })
}

fn is_external(frontend: &Frontend) -> bool {
    !frontend.address.is_cluster_ip()
}
