//! The chains of our tables and their rules, which are the same whatever Services exist.
//!
//! A new connection comes in through `prerouting` or, from this node itself, through `output`.
//! `inside` looks whether it goes somewhere else because it is from a pod or from this node; then
//! `services` sends it through what its destination is: a cluster IP, an external IP, or an address
//! of this node. Backends are drawn in the `draw-…` chains, which have a rule for each number of
//! slots that occurs. Where clients shall stay with their backend, a chain of the port's memory is
//! asked first where that is, and `learn` leads to another one that notes where a client went.
//! Everything happens in chains of type `nat`, which see the first packet of a connection only, so
//! packets of known connections pay nothing. Refusing and dropping happen there too: a packet that
//! is refused leaves no connection behind, and the next try is a first packet again.

mod learning;
mod masquerading;

use std::collections::BTreeSet;

use tidegate_netlink::nftables::{
    BaseChain, Chain, ChainType, Datatype, Expression, Family, Field, Hook, Reject, Rule,
    Statement, Test, Tuple, rule,
};
use tidegate_nft_table::{Key, TableSet, from_pods};
use tidegate_plan::PodTraffic;

use crate::content::Numbered;
use crate::numbered::{DRAWN, draw_chain, numbered_rule};
use crate::sets::SetId;

/// The priorities that `nft` calls `dstnat` and `srcnat`.
const DSTNAT: i32 = -100;
const SRCNAT: i32 = 100;

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// All chains of a table with their rules, in the order in which they are listed.
pub(crate) fn chains(
    family: Family,
    pods: &PodTraffic,
    numbers: &BTreeSet<Numbered>,
) -> Vec<(Chain, Vec<Rule>)> {
    let writer = Writer { family };
    let mut chains = writer.hooks(pods);
    chains.extend(writer.destinations());
    chains.extend(writer.learning(pods));
    let numbered: Vec<_> = numbers
        .iter()
        .map(|one| numbered_rule(family, *one))
        .collect();
    let names = DRAWN.map(draw_chain);
    for name in names {
        let of_chain = numbered.iter().filter(|(chain, _)| *chain == name);
        let rules = of_chain.map(|(_, rule)| rule.clone()).collect();
        chains.push((Chain::regular(name), rules));
    }
    chains.extend(writer.masquerading(pods));
    chains
}

struct Writer {
    family: Family,
}

impl Writer {
    fn set(&self, id: SetId) -> tidegate_netlink::nftables::Set {
        id.definition(self.family)
    }

    fn base(&self, name: &str, hook: Hook, priority: i32) -> Chain {
        Chain {
            name: name.to_owned(),
            base: Some(BaseChain {
                chain_type: ChainType::Nat,
                hook,
                priority,
            }),
        }
    }

    /// The packets that come from pods, where that can be told.
    fn if_from_pods(&self, pods: &PodTraffic) -> Option<Rule> {
        from_pods(self.family, pods, &self.set(SetId::Pods))
    }

    /// Packets for a frontend in one of the sets that `id` makes for each kind of key.
    fn frontend_in(&self, id: SetId, key: Key) -> Rule {
        Expression::Concat(key.of_packet(self.family)).within(&self.set(id))
    }

    fn daddr_in(&self, id: SetId) -> Rule {
        Expression::from(Field::daddr(self.family)).within(&self.set(id))
    }

    /// Packets for an address of this node that node ports answer on.
    fn to_node(&self) -> Rule {
        let local = Tuple::new().number(Datatype::LOCAL);
        let selected = self.daddr_in(SetId::NodePortRanges);
        Field::DADDR_TYPE.is(local).and(selected)
    }

    fn hooks(&self, pods: &PodTraffic) -> Vec<(Chain, Vec<Rule>)> {
        let mut with_source = Key::Address.of_packet(self.family);
        with_source.push(Field::saddr(self.family).into());
        let not_admitted = Expression::Concat(with_source).outside(&self.set(SetId::Admitted));
        let guard = self
            .frontend_in(SetId::Guarded, Key::Address)
            .and(not_admitted)
            .drop();
        let inside_if = self.if_from_pods(pods).map(|from| from.jump("inside"));
        let prerouting = [
            Some(guard.clone()),
            inside_if,
            Some(rule().jump("services")),
        ];
        let translated = || rule().when(Field::CONNECTION_STATUS.into(), Test::Has(Datatype::DNAT));
        vec![
            (
                self.base("prerouting", Hook::Prerouting, DSTNAT),
                prerouting.into_iter().flatten().collect(),
            ),
            (
                self.base("output", Hook::Output, DSTNAT),
                vec![guard, rule().jump("inside"), rule().jump("services")],
            ),
            (
                self.base("input", Hook::Input, SRCNAT),
                vec![translated().jump("learn")],
            ),
            (
                self.base("postrouting", Hook::Postrouting, SRCNAT),
                vec![
                    translated().jump("learn"),
                    translated().jump("masquerading"),
                ],
            ),
        ]
    }

    /// Asks the memory of the frontend's port where the client went before.
    fn stay(&self, id: SetId, key: Key) -> Rule {
        Expression::Concat(key.of_packet(self.family)).verdict_from(&self.set(id))
    }

    /// Packets of connections that were opened to an address of this node.
    fn opened_to_node(&self) -> Rule {
        let opened_to = Expression::from(Field::original_daddr(self.family));
        opened_to.within(&self.set(SetId::NodeAddresses))
    }

    fn destinations(&self) -> Vec<(Chain, Vec<Rule>)> {
        let [slots, node_slots, inside, node_inside, sticky, node_sticky] = DRAWN.map(draw_chain);
        let rejected = |key| self.frontend_in(SetId::Rejected(key), key).goto("refuse");
        let dropped = |key| self.frontend_in(SetId::Dropped(key), key).drop();
        let with_ports = [TCP, UDP, SCTP].map(|protocol| {
            Field::PROTOCOL
                .is(Tuple::new().protocol(protocol))
                .goto("refuse")
        });
        let learn_address = || {
            rule().then(Statement::Learn {
                set: SetId::NodeAddresses.name().to_owned(),
                key: Field::daddr(self.family).into(),
                data: None,
                timeout: None,
            })
        };
        let chain = |name: &str, rules: Vec<Rule>| (Chain::regular(name), rules);
        vec![
            chain(
                "inside",
                vec![
                    self.stay(SetId::InsideStay(Key::Address), Key::Address),
                    rule().jump(inside),
                    self.to_node().jump("inside-node-port"),
                ],
            ),
            chain(
                "inside-node-port",
                vec![
                    learn_address(),
                    self.stay(SetId::InsideStay(Key::NodePort), Key::NodePort),
                    rule().jump(node_inside),
                ],
            ),
            // A packet may be here while a change is committed: rules that it has passed didn't
            // find the new elements yet, and those behind them find the old ones no more. So
            // nothing is given up before it was looked for twice.
            chain(
                "services",
                vec![
                    self.daddr_in(SetId::ClusterIps).goto("cluster-ip"),
                    self.daddr_in(SetId::ExternalIps).jump("address"),
                    self.daddr_in(SetId::ExternalIps).jump("address"),
                    self.daddr_in(SetId::ServiceRanges).drop(),
                    self.to_node().jump("node-port"),
                    self.to_node().jump("node-port"),
                ],
            ),
            chain(
                "cluster-ip",
                [rule().jump("address"), rule().jump("address")]
                    .into_iter()
                    .chain(with_ports)
                    .chain([rule().drop()])
                    .collect(),
            ),
            chain(
                "address",
                vec![
                    rule().jump(slots),
                    self.stay(SetId::Stay(Key::Address), Key::Address),
                    rule().jump(sticky),
                    rejected(Key::Address),
                    dropped(Key::Address),
                ],
            ),
            chain(
                "node-port",
                vec![
                    learn_address(),
                    rule().jump(node_slots),
                    self.stay(SetId::Stay(Key::NodePort), Key::NodePort),
                    rule().jump(node_sticky),
                    rejected(Key::NodePort),
                    dropped(Key::NodePort),
                ],
            ),
            chain(
                "refuse",
                vec![
                    Field::PROTOCOL
                        .is(Tuple::new().protocol(TCP))
                        .reject(self.family, Reject::TcpReset),
                    rule().reject(self.family, Reject::PortUnreachable),
                ],
            ),
        ]
    }
}
