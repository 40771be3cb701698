//! The rules that rewrite the source addresses of connections.

use tidegate_netlink::nftables::{Chain, Datatype, Expression, Field, Rule, Tuple, concat, rule};
use tidegate_nft_table::Key;
use tidegate_plan::PodTraffic;

use super::Writer;
use crate::sets::{Case, SetId};

impl Writer {
    /// What becomes of the source address of connections whose destination was translated.
    ///
    /// Others translate destinations too. Whether it was us is told from where the connection was
    /// opened to: that is one of our frontends, or a node port on an address of this node.
    pub(super) fn masquerading(&self, pods: &PodTraffic) -> Vec<(Chain, Vec<Rule>)> {
        let in_case = |key| {
            Case::ALL.map(|case| {
                let set = self.set(SetId::Masquerade(case, key));
                Expression::Concat(key.of_translated_packet(self.family))
                    .within(&set)
                    .goto(case_chain(case))
            })
        };
        let both_ends = concat([Field::saddr(self.family), Field::daddr(self.family)]);
        let hairpin = both_ends.within(&self.set(SetId::Hairpins)).masquerade();
        let to_node = self.opened_to_node().goto("masquerading-node-port");
        let by_address = [hairpin]
            .into_iter()
            .chain(in_case(Key::Address))
            .chain([to_node]);
        let outsiders = match pods {
            PodTraffic::Unknown => Vec::new(),
            pods => self
                .if_from_pods(pods)
                .map(Rule::back)
                .into_iter()
                .chain([rule().masquerade()])
                .collect(),
        };
        let local = Tuple::new().number(Datatype::LOCAL);
        let chain = |name: &str, rules: Vec<Rule>| (Chain::regular(name), rules);
        vec![
            chain("masquerading", by_address.collect()),
            chain("masquerading-node-port", in_case(Key::NodePort).to_vec()),
            chain(case_chain(Case::Always), vec![rule().masquerade()]),
            chain(case_chain(Case::Outsiders), outsiders),
            chain(
                case_chain(Case::Own),
                vec![Field::SADDR_TYPE.is(local).masquerade()],
            ),
        ]
    }
}

fn case_chain(case: Case) -> &'static str {
    match case {
        Case::Always => "masquerade-all",
        Case::Outsiders => "masquerade-unless-pod",
        Case::Own => "masquerade-if-own",
    }
}
