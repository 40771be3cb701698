//! How to pick one of several backends.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use super::backend::Backend;

/// The schedulers by name; the first is the default. The names are those of IPVS.
pub(crate) const SCHEDULERS: &[&str] = &["rr", "lc", "sh"];

/// A way to pick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheduler {
    /// One after another, in proportion to their weights.
    RoundRobin,
    /// The one with the fewest connections for its weight.
    LeastConnections,
    /// Always the same one for a client's address. When backends come and go, only the clients
    /// move that have to.
    SourceHash,
}

impl Scheduler {
    /// The scheduler of a name; round robin if it isn't one of ours.
    pub(crate) fn named(name: Option<&str>) -> Self {
        match name {
            Some("lc") => Self::LeastConnections,
            Some("sh") => Self::SourceHash,
            _ => Self::RoundRobin,
        }
    }
}

/// Backends to pick from.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    members: Vec<Member>,
    are_equal: bool,
    /// Where the next round-robin pick starts to look.
    next: usize,
}

#[derive(Debug)]
struct Member {
    backend: Arc<Backend>,
    weight: i64,
    /// How much is owed to it in weighted round robin.
    credit: i64,
}

impl Choice {
    /// Puts other backends with their weights in place. Round robin goes on where it was.
    pub(crate) fn set(&mut self, backends: impl IntoIterator<Item = (Arc<Backend>, u32)>) {
        let before = std::mem::take(&mut self.members);
        let member = |(backend, weight): (Arc<Backend>, u32)| Member {
            credit: before
                .iter()
                .find(|member| Arc::ptr_eq(&member.backend, &backend))
                .map_or(0, |member| member.credit),
            weight: i64::from(weight.max(1)),
            backend,
        };
        self.members = backends.into_iter().map(member).collect();
        let first = self.members.first().map(|member| member.weight);
        self.are_equal = self.members.iter().all(|m| Some(m.weight) == first);
        if self.are_equal {
            for member in &mut self.members {
                member.credit = 0;
            }
        }
    }

    /// How many backends there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// A backend by its address.
    pub(crate) fn find(&self, wanted: std::net::SocketAddr) -> Option<&Arc<Backend>> {
        let mut backends = self.members.iter().map(|member| &member.backend);
        backends.find(|backend| backend.addr == wanted)
    }

    /// Picks one of the backends that are eligible.
    pub(crate) fn pick(
        &mut self,
        scheduler: Scheduler,
        client: IpAddr,
        eligible: impl Fn(&Backend) -> bool,
    ) -> Option<&Arc<Backend>> {
        let index = match scheduler {
            Scheduler::RoundRobin if self.are_equal => self.next_in_turn(eligible),
            Scheduler::RoundRobin => self.next_by_weight(eligible),
            Scheduler::LeastConnections => self.least_used(eligible),
            Scheduler::SourceHash => self.hashed(client, eligible),
        }?;
        self.members.get(index).map(|member| &member.backend)
    }

    fn next_in_turn(&mut self, eligible: impl Fn(&Backend) -> bool) -> Option<usize> {
        let index = self.in_turn().find(|index| {
            let member = self.members.get(*index);
            member.is_some_and(|member| eligible(&member.backend))
        })?;
        self.next = index + 1;
        Some(index)
    }

    /// Smooth weighted round robin: each pick pays everyone their weight, and who has most pays it
    /// all back. So heavy ones are spread out instead of coming in a row.
    fn next_by_weight(&mut self, eligible: impl Fn(&Backend) -> bool) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<(i64, usize)> = None;
        for (index, member) in self.members.iter_mut().enumerate() {
            if !eligible(&member.backend) {
                continue;
            }
            member.credit += member.weight;
            total += member.weight;
            if best.is_none_or(|(credit, _)| member.credit > credit) {
                best = Some((member.credit, index));
            }
        }
        let (_, index) = best?;
        self.members[index].credit -= total;
        Some(index)
    }

    /// Ties go round, so that idle backends share as in round robin.
    fn least_used(&mut self, eligible: impl Fn(&Backend) -> bool) -> Option<usize> {
        // With one more connection, so that an idle backend's weight counts too.
        let load = |member: &Member| {
            let open = i128::try_from(member.backend.open()).unwrap_or(i128::MAX >> 64);
            (open + 1, i128::from(member.weight))
        };
        let mut best: Option<usize> = None;
        for index in self.in_turn() {
            let member = &self.members[index];
            if !eligible(&member.backend) {
                continue;
            }
            let (open, weight) = load(member);
            let is_better = best.is_none_or(|best| {
                let (best_open, best_weight) = load(&self.members[best]);
                open * best_weight < best_open * weight
            });
            if is_better {
                best = Some(index);
            }
        }
        self.next = best? + 1;
        best
    }

    /// Rendezvous hashing with weights: everyone draws a lot that depends on the client and on them,
    /// and the best lot wins. Who leaves takes only the clients along whose lot it was.
    fn hashed(&self, client: IpAddr, eligible: impl Fn(&Backend) -> bool) -> Option<usize> {
        let lot = |member: &Member| {
            let mut hasher = DefaultHasher::new();
            (client, member.backend.addr).hash(&mut hasher);
            // The upper 53 bits as a number between 0 and 1, neither of which it ever is.
            #[allow(
                clippy::cast_precision_loss,
                reason = "53 bits and weights up to 32 bits are exact"
            )]
            let drawn = ((hasher.finish() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
            #[allow(clippy::cast_precision_loss, reason = "a weight has 32 bits")]
            let weight = member.weight as f64;
            -drawn.ln() / weight
        };
        let members = self.members.iter().enumerate();
        members
            .filter(|(_, member)| eligible(&member.backend))
            .map(|(index, member)| (index, lot(member)))
            .min_by(|(_, one), (_, other)| one.total_cmp(other))
            .map(|(index, _)| index)
    }

    fn in_turn(&self) -> impl Iterator<Item = usize> + use<> {
        let count = self.members.len();
        let start = self.next.checked_rem(count).unwrap_or(0);
        (start..count).chain(0..start)
    }
}

#[cfg(test)]
mod tests {
    use super::super::backend::InUse;
    use super::*;
    use std::collections::BTreeMap;
    use std::net::SocketAddr;

    fn backends(weights: &[u32]) -> Vec<(Arc<Backend>, u32)> {
        let backend = |(port, weight): (u16, &u32)| {
            let addr = SocketAddr::from(([10, 0, 0, 1], port));
            (Arc::new(Backend::new(addr)), *weight)
        };
        (1..).zip(weights).map(backend).collect()
    }

    fn choice(weights: &[u32]) -> Choice {
        let mut choice = Choice::default();
        choice.set(backends(weights));
        choice
    }

    fn picks(choice: &mut Choice, scheduler: Scheduler, count: u32) -> Vec<u16> {
        let pick = |number: u32| {
            let client = IpAddr::from(number.to_be_bytes());
            let backend = choice.pick(scheduler, client, |_| true);
            backend.expect("all are eligible").addr.port()
        };
        (0..count).map(pick).collect()
    }

    fn shares(picks: &[u16]) -> Vec<usize> {
        let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
        for port in picks {
            *counts.entry(*port).or_default() += 1;
        }
        counts.into_values().collect()
    }

    #[test]
    fn round_robin_takes_one_after_another() {
        let picks = picks(&mut choice(&[1, 1, 1]), Scheduler::RoundRobin, 7);
        assert_eq!(picks, [1, 2, 3, 1, 2, 3, 1]);
    }

    #[test]
    fn weights_are_kept_to_without_rows_of_the_same() {
        let picks = picks(&mut choice(&[5, 1, 1]), Scheduler::RoundRobin, 7);
        assert_eq!(picks, [1, 1, 2, 1, 3, 1, 1]);
    }

    #[test]
    fn round_robin_passes_over_what_is_not_eligible() {
        let mut choice = choice(&[1, 1, 1]);
        let client = IpAddr::from([0; 4]);
        let mut next = || {
            let backend = choice.pick(Scheduler::RoundRobin, client, |b| b.addr.port() != 2);
            backend.expect("two are eligible").addr.port()
        };
        assert_eq!([next(), next(), next()], [1, 3, 1]);
        let nobody = choice.pick(Scheduler::RoundRobin, client, |_| false);
        assert!(nobody.is_none());
    }

    #[test]
    fn fewest_connections_for_the_weight_win() {
        let backends = backends(&[1, 2]);
        let mut choice = Choice::default();
        choice.set(backends.clone());
        let client = IpAddr::from([0; 4]);
        let mut used = Vec::new();
        for _ in 0..30 {
            let picked = choice.pick(Scheduler::LeastConnections, client, |_| true);
            used.push(InUse::new(picked.expect("all are eligible")));
        }
        assert_eq!(backends[0].0.open(), 10);
        assert_eq!(backends[1].0.open(), 20);
        used.retain(|one| one.addr().port() == 1);
        let picked = choice.pick(Scheduler::LeastConnections, client, |_| true);
        assert_eq!(picked.expect("all are eligible").addr.port(), 2);
    }

    #[test]
    fn idle_backends_share_evenly_under_least_connections() {
        let picks = picks(&mut choice(&[1, 1, 1]), Scheduler::LeastConnections, 9);
        assert_eq!(shares(&picks), [3, 3, 3]);
    }

    #[test]
    fn a_source_keeps_its_backend_and_weights_count() {
        let mut all = choice(&[1, 1, 2]);
        let before = picks(&mut all, Scheduler::SourceHash, 4000);
        assert_eq!(before, picks(&mut all, Scheduler::SourceHash, 4000));
        let shares = shares(&before);
        for (share, expected) in shares.iter().zip([1000_usize, 1000, 2000]) {
            assert!(share.abs_diff(expected) < 150, "{shares:?}");
        }
    }

    #[test]
    fn only_the_clients_of_a_backend_that_leaves_move() {
        let backends = backends(&[1, 1, 1]);
        let mut choice = Choice::default();
        choice.set(backends.clone());
        let before = picks(&mut choice, Scheduler::SourceHash, 1000);
        choice.set(backends.into_iter().take(2));
        let after = picks(&mut choice, Scheduler::SourceHash, 1000);
        let moved = before.iter().zip(&after).filter(|(a, b)| a != b);
        assert!(moved.clone().all(|(before, _)| *before == 3));
        assert!(moved.count() > 200);
    }

    #[test]
    fn round_robin_goes_on_when_a_backend_comes() {
        let all = backends(&[1, 1, 1]);
        let mut choice = Choice::default();
        choice.set(all[..2].to_vec());
        assert_eq!(picks(&mut choice, Scheduler::RoundRobin, 1), [1]);
        choice.set(all);
        assert_eq!(picks(&mut choice, Scheduler::RoundRobin, 3), [2, 3, 1]);
    }
}
