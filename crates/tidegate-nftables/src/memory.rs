//! Where clients that stay with their backend went: one memory for each port with affinity.
//!
//! All frontends of a port share its memory, so a rule has to get from a frontend to the port. It
//! can't look up the port's number and then the client under that number, since `nft list` aborts
//! at such a rule. So each memory has two small chains in which its number is a constant, and a
//! frontend leads there through a verdict map. The kernel walks verdict maps at every commit; only
//! frontends with affinity are in these.

use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tidegate_model::ServicePortName;
use tidegate_netlink::nftables::{
    Chain, Expression, Family, Field, Rule, Statement, Tuple, concat, random, rule,
};
use tidegate_nft_table::TableSet;
use tidegate_plan::BackendSet;

use crate::sets::SetId;

/// What the names of all chains of memories begin with.
pub(crate) const PREFIX: &str = "memory-";

/// One memory: the clients of a port, as far as they may go to one of its two sets of backends. A
/// client that may go anywhere must not lead one astray that may not leave the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Memory {
    /// What tells it from all others.
    pub(crate) id: MemoryId,
    /// For how long a client is remembered after its last connection.
    seconds: u32,
}

/// 64 bits of a hash of the port's name, so that the number follows from the plan alone; that two
/// of ten thousand memories meet happens once in 10^11 clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct MemoryId([u32; 2]);

impl Memory {
    pub(crate) fn new(port: &ServicePortName, backends: BackendSet, time: Duration) -> Self {
        let set = match backends {
            BackendSet::Cluster => "cluster",
            BackendSet::Local => "local",
        };
        let name = format!(
            "{}:{}/{} {set}",
            port.service,
            port.port,
            port.protocol.lower_name()
        );
        let hash = Sha256::digest(name.as_bytes());
        let number = |at: usize| {
            let bytes = hash.iter().skip(at).take(4);
            bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        };
        Self {
            id: MemoryId([number(0), number(4)]),
            seconds: u32::try_from(time.as_secs()).unwrap_or(u32::MAX),
        }
    }

    /// Its two chains with their rules.
    pub(crate) fn chains(self, family: Family) -> [(Chain, Vec<Rule>); 2] {
        [
            (
                Chain::regular(self.id.stay_chain()),
                vec![self.stay(family)],
            ),
            (
                Chain::regular(self.id.learn_chain()),
                vec![self.learn(family)],
            ),
        ]
    }

    /// Sends a client that is remembered where it went before.
    fn stay(self, family: Family) -> Rule {
        let backend = self.id.client(family);
        rule().dnat(family, backend.look_up(&SetId::Affinity.definition(family)))
    }

    /// Remembers where a client goes. At the end of its way through this node the packet tells.
    fn learn(self, family: Family) -> Rule {
        rule().then(Statement::Learn {
            set: SetId::Affinity.name().to_owned(),
            key: self.id.client(family),
            data: Some(concat([Field::daddr(family), Field::DPORT])),
            timeout: Some(Duration::from_secs(u64::from(self.seconds))),
        })
    }
}

impl MemoryId {
    /// The chain that sends clients where they went before.
    pub(crate) fn stay_chain(self) -> String {
        format!("{PREFIX}{self}-stay")
    }

    /// The chain that remembers where a client goes.
    pub(crate) fn learn_chain(self) -> String {
        format!("{PREFIX}{self}-learn")
    }

    /// The names of both.
    pub(crate) fn chains(self) -> [String; 2] {
        [self.stay_chain(), self.learn_chain()]
    }

    /// What a client's key in the map of all memories begins with.
    pub(crate) fn key(self) -> Tuple {
        let [first, second] = self.0;
        Tuple::new().number(first).number(second)
    }

    /// The key of the client that a packet is from. A rule has no other way to write a constant
    /// into a key than a random number of one possible value.
    fn client(self, family: Family) -> Expression {
        let [first, second] = self.0;
        let saddr = Field::saddr(family).into();
        Expression::Concat(vec![random(1, first), random(1, second), saddr])
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{first:08x}{second:08x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{Protocol, ServiceKey};

    fn port(name: &str) -> ServicePortName {
        ServicePortName {
            service: ServiceKey::new("default", "web"),
            port: name.to_owned(),
            protocol: Protocol::Tcp,
        }
    }

    #[test]
    fn ports_and_sets_of_backends_have_memories_of_their_own() {
        let time = Duration::from_secs(60);
        let ids = [
            Memory::new(&port("http"), BackendSet::Cluster, time).id,
            Memory::new(&port("http"), BackendSet::Local, time).id,
            Memory::new(&port("https"), BackendSet::Cluster, time).id,
        ];
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2]);
    }

    #[test]
    fn another_time_is_the_same_memory() {
        let of = |seconds| {
            let time = Duration::from_secs(seconds);
            Memory::new(&port("http"), BackendSet::Cluster, time)
        };
        assert_eq!(of(60).id, of(61).id);
        assert_ne!(of(60), of(61));
    }
}
