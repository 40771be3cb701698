//! The rules that remember where clients go that shall stay with their backend.

use tidegate_netlink::nftables::{Chain, Datatype, Expression, Field, Rule, Tuple, rule};
use tidegate_nft_table::Key;
use tidegate_plan::PodTraffic;

use super::Writer;
use crate::sets::SetId;

impl Writer {
    /// What notes where clients go that shall stay. Whether a connection is from the inside is told
    /// as at its beginning: its source address isn't rewritten yet.
    pub(super) fn learning(&self, pods: &PodTraffic) -> Vec<(Chain, Vec<Rule>)> {
        let local = Tuple::new().number(Datatype::LOCAL);
        let from_pods = self
            .if_from_pods(pods)
            .map(|from| from.goto("learn-inside"));
        let both = |by_address: SetId, by_port: SetId| {
            let by_port = self.learn(by_port, Key::NodePort);
            [
                self.learn(by_address, Key::Address),
                self.opened_to_node().and(by_port),
            ]
        };
        let inside = both(
            SetId::InsideLearn(Key::Address),
            SetId::InsideLearn(Key::NodePort),
        );
        let all = both(SetId::Learn(Key::Address), SetId::Learn(Key::NodePort));
        let chain = |name: &str, rules: Vec<Rule>| (Chain::regular(name), rules);
        let to_all = || rule().goto("learn-all");
        let learn = from_pods
            .into_iter()
            .chain([Field::SADDR_TYPE.is(local).goto("learn-inside"), to_all()]);
        vec![
            chain("learn", learn.collect()),
            chain(
                "learn-inside",
                inside.into_iter().chain([to_all()]).collect(),
            ),
            chain("learn-all", all.to_vec()),
        ]
    }

    /// Has the memory of the frontend's port note where the client goes.
    fn learn(&self, id: SetId, key: Key) -> Rule {
        let frontend = Expression::Concat(key.of_translated_packet(self.family));
        frontend.verdict_from(&self.set(id))
    }
}
