//! The chains of our tables and their rules, which are the same whatever Services exist.
//!
//! A new connection comes in through `prerouting` or, from this node itself, through `output`.
//! `inside` looks whether it goes somewhere else because it is from a pod or from this node; then
//! `services` sends it through what its destination is: a cluster IP, some other frontend, or an
//! address of this node. Everything happens in chains of type `nat`, which see the first packet of a
//! connection only: refusing and dropping too, so that the next try is a first packet again.
//! `input` keeps everyone from our listeners who wasn't led there.

use tidegate_netlink::nftables::Statement;
use tidegate_netlink::nftables::{
    BaseChain, Chain, ChainType, Datatype, Expression, Family, Field, Hook, Reject, Rule, Test,
    Tuple, Verdict, rule,
};
use tidegate_nft_table::{Key, TableSet, from_pods};
use tidegate_plan::PodTraffic;

use super::sets::SetId;

/// The priorities that `nft` calls `dstnat` and `filter`.
const DSTNAT: i32 = -100;
const FILTER: i32 = 0;

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// All chains of a table with their rules, in the order in which they are listed.
pub(crate) fn chains(
    family: Family,
    pods: &PodTraffic,
    on_loopback: bool,
) -> Vec<(Chain, Vec<Rule>)> {
    let writer = Writer { family };
    let mut chains = writer.hooks(pods, on_loopback && family == Family::Ip);
    chains.extend(writer.destinations());
    chains
}

struct Writer {
    family: Family,
}

impl Writer {
    fn base(name: &str, chain_type: ChainType, hook: Hook, priority: i32) -> Chain {
        let base = BaseChain {
            chain_type,
            hook,
            priority,
        };
        Chain {
            name: name.to_owned(),
            base: Some(base),
        }
    }

    /// Packets for a frontend in one of the sets.
    fn frontend_in(&self, id: SetId, key: Key) -> Rule {
        Expression::Concat(key.of_packet(self.family)).within(&id.definition(self.family))
    }

    /// Sends a connection to the listener that a map leads to.
    fn redirect(&self, map: SetId, key: Key) -> Rule {
        let listener = Expression::Concat(key.of_packet(self.family));
        rule().dnat(self.family, listener.look_up(&map.definition(self.family)))
    }

    fn daddr(&self) -> Expression {
        Field::daddr(self.family).into()
    }

    fn daddr_in(&self, id: SetId) -> Rule {
        self.daddr().within(&id.definition(self.family))
    }

    /// Packets for an address of this node that node ports answer on.
    fn to_node(&self) -> Rule {
        let local = Tuple::new().number(Datatype::LOCAL);
        let loopback = SetId::Loopback.definition(self.family);
        Field::DADDR_TYPE
            .is(local)
            .and(self.daddr().outside(&loopback))
            .and(self.daddr_in(SetId::NodePortRanges))
    }

    fn hooks(&self, pods: &PodTraffic, on_loopback: bool) -> Vec<(Chain, Vec<Rule>)> {
        let mut with_source = Key::Address.of_packet(self.family);
        with_source.push(Field::saddr(self.family).into());
        let admitted = SetId::Admitted.definition(self.family);
        let guard = self
            .frontend_in(SetId::Guarded, Key::Address)
            .and(Expression::Concat(with_source).outside(&admitted))
            .drop();
        let pod_ranges = SetId::Pods.definition(self.family);
        let inside_if = from_pods(self.family, pods, &pod_ranges).map(|from| from.jump("inside"));
        let prerouting = [
            Some(guard.clone()),
            inside_if,
            Some(rule().jump("services")),
        ];
        let localhost = Tuple::new().address([127, 0, 0, 1].into());
        let to_localhost = Field::daddr(self.family).is(localhost);
        let output = [
            Some(guard),
            Some(rule().jump("inside")),
            Some(rule().jump("services")),
            on_loopback.then(|| to_localhost.clone().jump("inside-node-port")),
            on_loopback.then(|| to_localhost.jump("node-port")),
        ];
        let was_redirected =
            rule().when(Field::CONNECTION_STATUS.into(), Test::Has(Datatype::DNAT));
        let input = vec![
            was_redirected.then(Statement::Verdict(Verdict::Return)),
            self.daddr_in(SetId::Listeners).drop(),
        ];
        let nat = |name, hook| Self::base(name, ChainType::Nat, hook, DSTNAT);
        vec![
            (
                nat("prerouting", Hook::Prerouting),
                prerouting.into_iter().flatten().collect(),
            ),
            (
                nat("output", Hook::Output),
                output.into_iter().flatten().collect(),
            ),
            (
                Self::base("input", ChainType::Filter, Hook::Input, FILTER),
                input,
            ),
        ]
    }

    fn destinations(&self) -> Vec<(Chain, Vec<Rule>)> {
        let chain = |name: &str, rules: Vec<Rule>| (Chain::regular(name), rules);
        let with_ports = [TCP, UDP, SCTP].map(|protocol| {
            let is_it = Field::PROTOCOL.is(Tuple::new().protocol(protocol));
            is_it.goto("refuse")
        });
        let frontends = |key| {
            vec![
                self.redirect(SetId::Redirects(key), key),
                self.frontend_in(SetId::Rejected(key), key).goto("refuse"),
                self.frontend_in(SetId::Dropped(key), key).drop(),
            ]
        };
        let inside = |key| self.redirect(SetId::InsideRedirects(key), key);
        vec![
            chain(
                "inside",
                vec![
                    inside(Key::Address),
                    self.to_node().jump("inside-node-port"),
                ],
            ),
            chain("inside-node-port", vec![inside(Key::NodePort)]),
            chain(
                "services",
                vec![
                    self.daddr_in(SetId::ClusterIps).goto("cluster-ip"),
                    rule().jump("address"),
                    self.daddr_in(SetId::ServiceRanges).drop(),
                    self.to_node().jump("node-port"),
                ],
            ),
            chain(
                "cluster-ip",
                [rule().jump("address")]
                    .into_iter()
                    .chain(with_ports)
                    .chain([rule().drop()])
                    .collect(),
            ),
            chain("address", frontends(Key::Address)),
            chain("node-port", frontends(Key::NodePort)),
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
