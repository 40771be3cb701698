//! The rules that are there whatever Services exist: what the settings say.

use tidegate_model::IpFamily;
use tidegate_plan::PlanSettings;

use crate::chains::{
    CANARY, CLUSTER_IPS, EXTERNAL_SERVICES, FIREWALL, FORWARD, MARK_MASQ, MARK_OUTSIDERS,
    NODE_PORTS, POSTROUTING, PROXY_FIREWALL, SERVICES, Shared, Table,
};
use crate::content::OwnChain;
use crate::matches::{self, Pods, comment};
use crate::options::IptablesOptions;

/// The chains and rules that belong to no Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Chains whose rules are all known here.
    pub(crate) chains: Vec<(Table, OwnChain)>,
    /// What stands behind the Services' lines in the chains that they share.
    pub(crate) tails: Vec<(Shared, Vec<String>)>,
    /// The ways from built-in chains to ours, in the order in which they are put at the beginning.
    pub(crate) jumps: Vec<Jump>,
    /// The rule that guards loopback addresses, where they are routed.
    pub(crate) guard: Option<String>,
}

/// A rule in a built-in chain that leads to one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Jump {
    pub(crate) table: Table,
    /// The built-in chain.
    pub(crate) from: &'static str,
    /// The rule without `-A` and the chain's name.
    pub(crate) rule: String,
}

impl Frame {
    /// The frame for these settings in one family.
    pub(crate) fn new(
        settings: &PlanSettings,
        options: &IptablesOptions,
        family: IpFamily,
    ) -> Self {
        let guarded = family == IpFamily::V4 && matches::uses_loopback(settings, options);
        Self {
            chains: chains(&Pods::of(settings, family), options),
            tails: tails(settings, options, family),
            jumps: jumps(guarded),
            guard: guarded.then(Self::guard),
        }
    }

    /// The rule that drops what comes in from outside to a loopback address and is no connection of
    /// ours.
    pub(crate) fn guard() -> String {
        let what = comment("block incoming localnet connections");
        format!(
            "{what} -d 127.0.0.0/8 ! -s 127.0.0.0/8 \
             -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP"
        )
    }

    /// How many rules of ours there are in a table besides those of Services.
    pub(crate) fn rules_in(&self, table: Table) -> usize {
        let chains = self.chains.iter().filter(|(of, _)| *of == table);
        let tails = self.tails.iter().filter(|(of, _)| of.table() == table);
        chains.map(|(_, chain)| chain.rules.len()).sum::<usize>()
            + tails.map(|(_, rules)| rules.len()).sum::<usize>()
    }

    /// The tail of a shared chain.
    pub(crate) fn tail(&self, shared: Shared) -> &[String] {
        let tail = self.tails.iter().find(|(of, _)| *of == shared);
        tail.map_or(&[], |(_, rules)| rules)
    }
}

fn chains(pods: &Pods, options: &IptablesOptions) -> Vec<(Table, OwnChain)> {
    let mark = options.masquerade_mark();
    let own = |name: &str, rules: Vec<String>| OwnChain {
        name: name.to_owned(),
        rules,
    };
    let invalid =
        (!options.tcp_be_liberal).then(|| "-m conntrack --ctstate INVALID -j DROP".to_owned());
    let marked = format!(
        "{} -m mark --mark {mark:#x}/{mark:#x} -j ACCEPT",
        comment("kubernetes forwarding rules")
    );
    let known = format!(
        "{} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        comment("kubernetes forwarding conntrack rule")
    );
    let masquerade = format!(
        "{} -j MASQUERADE --random-fully",
        comment("kubernetes service traffic requiring SNAT")
    );
    let outsiders = match pods {
        Pods::ByAny(matches) => Some(own(
            MARK_OUTSIDERS,
            matches
                .iter()
                .map(|pods| format!("{pods} -j RETURN"))
                .chain([format!("-j {MARK_MASQ}")])
                .collect(),
        )),
        Pods::Unknown | Pods::By(_) => None,
    };
    let mut chains = Table::ALL
        .map(|table| (table, own(CANARY, Vec::new())))
        .to_vec();
    chains.extend([
        (
            Table::Filter,
            own(
                FORWARD,
                invalid.into_iter().chain([marked, known]).collect(),
            ),
        ),
        (
            Table::Nat,
            own(
                POSTROUTING,
                vec![
                    format!("-m mark ! --mark {mark:#x}/{mark:#x} -j RETURN"),
                    // The mark is taken away, so that a packet that passes here again is judged
                    // anew.
                    format!("-j MARK --xor-mark {mark:#x}"),
                    masquerade,
                ],
            ),
        ),
        (
            Table::Nat,
            own(MARK_MASQ, vec![format!("-j MARK --or-mark {mark:#x}")]),
        ),
    ]);
    chains.extend(outsiders.map(|chain| (Table::Nat, chain)));
    chains
}

fn tails(
    settings: &PlanSettings,
    options: &IptablesOptions,
    family: IpFamily,
) -> Vec<(Shared, Vec<String>)> {
    let last = "kubernetes service nodeports; NOTE: this must be the last rule in this chain";
    let to_node = matches::to_node(settings, options, family);
    let to_node_ports = |node: &String| format!("{} {node} -j {NODE_PORTS}", comment(last));
    let ranges: Vec<&ipnet::IpNet> = settings.service_cidrs_of(family).collect();
    let unclaimed = |range: &&ipnet::IpNet| {
        let what = comment("cluster IPs that no service port claims");
        format!("{what} -d {range} -j {CLUSTER_IPS}")
    };
    let unallocated = format!("{} -j DROP", comment("no service has this cluster IP"));
    let tail = |shared| match shared {
        Shared::Services => to_node.iter().map(to_node_ports).collect(),
        Shared::Refused => ranges.iter().map(unclaimed).collect(),
        Shared::ClusterIps => vec![unallocated.clone()],
        Shared::NodePorts | Shared::ExternalRefused | Shared::Firewall | Shared::HealthChecks => {
            Vec::new()
        }
    };
    Shared::ALL.map(|shared| (shared, tail(shared))).to_vec()
}

/// Upstream's jumps. Each is put before everything that is there, so the last one comes first.
pub(crate) fn jumps(guarded: bool) -> Vec<Jump> {
    let new = "-m conntrack --ctstate NEW ";
    let portals = "kubernetes service portals";
    let visible = "kubernetes externally-visible service portals";
    let balanced = "kubernetes load balancer firewall";
    let filter = [
        ("INPUT", new, visible, EXTERNAL_SERVICES),
        ("FORWARD", new, visible, EXTERNAL_SERVICES),
        (
            "INPUT",
            "",
            "kubernetes health check service ports",
            NODE_PORTS,
        ),
        ("FORWARD", new, portals, SERVICES),
        ("OUTPUT", new, portals, SERVICES),
        ("FORWARD", "", "kubernetes forwarding rules", FORWARD),
        ("INPUT", new, balanced, PROXY_FIREWALL),
        ("OUTPUT", new, balanced, PROXY_FIREWALL),
        ("FORWARD", new, balanced, PROXY_FIREWALL),
    ];
    let nat = [
        ("OUTPUT", "", portals, SERVICES),
        ("PREROUTING", "", portals, SERVICES),
        (
            "POSTROUTING",
            "",
            "kubernetes postrouting rules",
            POSTROUTING,
        ),
    ];
    let jump = |table, (from, state, why, to): (&'static str, &str, &str, &str)| Jump {
        table,
        from,
        rule: format!("{state}{} -j {to}", comment(why)),
    };
    let guards = ["OUTPUT", "INPUT"].into_iter().filter(|_| guarded);
    let guards = guards.map(|from| Jump {
        table: Table::Filter,
        from,
        rule: format!("-j {FIREWALL}"),
    });
    let filter = filter.into_iter().map(|one| jump(Table::Filter, one));
    let nat = nat.into_iter().map(|one| jump(Table::Nat, one));
    guards.chain(filter).chain(nat).collect()
}
