//! One service port: its backends, who went where, and the choice for a new connection.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tidegate_model::{EndpointAddr, SessionAffinity};
use tidegate_plan::{BackendSet, PortPlan};

use super::affinity::Affinity;
use super::backend::{Backend, InUse};
use super::scheduler::{Choice, Scheduler};

/// How long a backend that refused or did not answer is passed over, as long as there are others.
/// Without this, every round would try it again, and each time a client would have to wait.
const AVOIDED: Duration = Duration::from_secs(1);

/// A service port as the threads share it. What a plan says about it can be changed at any time.
#[derive(Debug)]
pub(crate) struct Port {
    /// What the port's clock counts from.
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    scheduler: Scheduler,
    affinity: Option<Affinity>,
    backends: HashMap<SocketAddr, Arc<Backend>>,
    cluster: Choice,
    local: Choice,
}

impl Port {
    /// What a plan says about a port.
    pub(crate) fn new(plan: &PortPlan) -> Self {
        let state = State {
            scheduler: Scheduler::RoundRobin,
            affinity: None,
            backends: HashMap::new(),
            cluster: Choice::default(),
            local: Choice::default(),
        };
        let port = Self {
            begun: Instant::now(),
            state: Mutex::new(state),
        };
        port.update(plan);
        port
    }

    /// Follows a plan. Connections that are open stay as they are.
    pub(crate) fn update(&self, plan: &PortPlan) {
        let mut state = self.lock();
        state.scheduler = Scheduler::named(plan.scheduler.as_ref().map(|name| name.0.as_str()));
        let all = plan.cluster_backends.iter().chain(&plan.local_backends);
        let wanted: HashSet<SocketAddr> = all.map(|backend| socket_addr(backend.addr)).collect();
        state.backends.retain(|addr, backend| {
            let stays = wanted.contains(addr);
            if !stays {
                backend.retire();
            }
            stays
        });
        match (plan.affinity, &mut state.affinity) {
            (SessionAffinity::None, affinity) => *affinity = None,
            (SessionAffinity::ClientIp(time), Some(affinity)) => {
                affinity.set_time(time);
                affinity.keep_only(&wanted);
            }
            (SessionAffinity::ClientIp(time), affinity) => {
                *affinity = Some(Affinity::new(time, Instant::now()));
            }
        }
        for addr in wanted {
            let new = || Arc::new(Backend::new(addr));
            state.backends.entry(addr).or_insert_with(new);
        }
        for set in [BackendSet::Cluster, BackendSet::Local] {
            let members = plan.backends(set).iter().filter_map(|backend| {
                let shared = state.backends.get(&socket_addr(backend.addr))?;
                Some((Arc::clone(shared), backend.weight))
            });
            let members: Vec<_> = members.collect();
            state.choice(set).set(members);
        }
    }

    /// The backend for a new connection of a client, among those that weren't tried yet.
    pub(crate) fn choose(
        &self,
        set: BackendSet,
        client: IpAddr,
        tried: &[SocketAddr],
        now: Instant,
    ) -> Option<InUse> {
        let moment = self.moment(now);
        let mut state = self.lock();
        let state = &mut *state;
        let affinity = state.affinity.as_ref();
        let went_to = affinity.and_then(|affinity| affinity.recall(client, now));
        let scheduler = state.scheduler;
        let choice = state.choice(set);
        let stays = went_to
            .filter(|addr| !tried.contains(addr))
            .and_then(|addr| choice.find(addr).cloned());
        let untried = |backend: &Backend| !tried.contains(&backend.addr);
        let good = |backend: &Backend| untried(backend) && !backend.is_avoided(moment);
        let chosen = stays
            .or_else(|| choice.pick(scheduler, client, good).cloned())
            .or_else(|| choice.pick(scheduler, client, untried).cloned())?;
        if let Some(affinity) = &mut state.affinity {
            affinity.remember(client, chosen.addr, now);
        }
        Some(InUse::new(&chosen))
    }

    /// Takes note that a backend refused or did not answer.
    pub(crate) fn failed(&self, backend: &InUse, now: Instant) {
        let until = self.moment(now + AVOIDED);
        backend.backend().avoid_until(until);
    }

    /// How many backends a set has.
    pub(crate) fn count(&self, set: BackendSet) -> usize {
        self.lock().choice(set).len()
    }

    fn moment(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.begun);
        u64::try_from(passed.as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn choice(&mut self, set: BackendSet) -> &mut Choice {
        match set {
            BackendSet::Cluster => &mut self.cluster,
            BackendSet::Local => &mut self.local,
        }
    }
}

fn socket_addr(addr: EndpointAddr) -> SocketAddr {
    SocketAddr::new(addr.ip, addr.port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_model::{Protocol, ServiceKey, ServicePortName};

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    fn plan(backends: &[u16], affinity: SessionAffinity) -> PortPlan {
        let backend = |port: &u16| tidegate_plan::Backend {
            addr: EndpointAddr {
                ip: [10, 0, 0, 1].into(),
                port: *port,
            },
            weight: 1,
            local: false,
            draining: false,
        };
        PortPlan {
            name: ServicePortName {
                service: ServiceKey::new("default", "web"),
                port: String::new(),
                protocol: Protocol::Tcp,
            },
            frontends: Vec::new(),
            cluster_backends: backends.iter().map(backend).collect(),
            local_backends: Vec::new(),
            affinity,
            scheduler: None,
        }
    }

    fn choose(port: &Port, tried: &[SocketAddr]) -> Option<u16> {
        let chosen = port.choose(BackendSet::Cluster, CLIENT, tried, Instant::now());
        chosen.map(|backend| backend.addr().port())
    }

    #[test]
    fn what_was_tried_is_not_chosen_again() {
        let port = Port::new(&plan(&[1, 2], SessionAffinity::None));
        let first = SocketAddr::from(([10, 0, 0, 1], 1));
        let second = SocketAddr::from(([10, 0, 0, 1], 2));
        assert_eq!(choose(&port, &[first]), Some(2));
        assert_eq!(choose(&port, &[first, second]), None);
    }

    #[test]
    fn a_backend_that_failed_is_avoided_while_there_are_others() {
        let port = Port::new(&plan(&[1, 2], SessionAffinity::None));
        let now = Instant::now();
        let first = port.choose(BackendSet::Cluster, CLIENT, &[], now);
        let first = first.expect("there are two");
        port.failed(&first, now);
        assert_eq!(first.addr().port(), 1);
        for _ in 0..4 {
            assert_eq!(choose(&port, &[]), Some(2));
        }
        let later = now + AVOIDED;
        let again = port.choose(BackendSet::Cluster, CLIENT, &[], later);
        assert_eq!(again.map(|backend| backend.addr().port()), Some(1));
        let second = SocketAddr::from(([10, 0, 0, 1], 2));
        assert_eq!(choose(&port, &[second]), Some(1), "nothing better is left");
    }

    #[test]
    fn a_client_stays_until_its_backend_goes_and_is_not_taken_back() {
        let sticky = SessionAffinity::ClientIp(Duration::from_secs(60));
        let port = Port::new(&plan(&[1, 2, 3], sticky));
        let first = choose(&port, &[]);
        assert_eq!([choose(&port, &[]), choose(&port, &[])], [first, first]);
        port.update(&plan(&[2, 3], sticky));
        let second = choose(&port, &[]);
        assert_ne!(second, first);
        port.update(&plan(&[1, 2, 3], sticky));
        assert_eq!(choose(&port, &[]), second);
        port.update(&plan(&[1, 2, 3], SessionAffinity::None));
        let three: HashSet<_> = (0..3).map(|_| choose(&port, &[])).collect();
        assert_eq!(three.len(), 3);
    }

    #[test]
    fn a_sticky_client_is_moved_past_a_backend_that_fails_and_stays_there() {
        let sticky = SessionAffinity::ClientIp(Duration::from_secs(60));
        let port = Port::new(&plan(&[1, 2, 3], sticky));
        let first = choose(&port, &[]).expect("there are three");
        let tried = [SocketAddr::from(([10, 0, 0, 1], first))];
        let second = choose(&port, &tried);
        assert_ne!(second, Some(first));
        assert_eq!(choose(&port, &[]), second);
    }

    #[test]
    fn who_uses_a_backend_that_goes_can_tell() {
        let port = Port::new(&plan(&[1], SessionAffinity::None));
        let used = port.choose(BackendSet::Cluster, CLIENT, &[], Instant::now());
        let used = used.expect("there is one");
        assert!(!used.is_gone());
        port.update(&plan(&[2], SessionAffinity::None));
        assert!(used.is_gone());
    }
}
