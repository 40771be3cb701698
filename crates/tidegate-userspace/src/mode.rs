//! The mode at work: from plans and deltas to listeners and redirects.

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use nix::errno::Errno;
use tidegate_dataplane::{
    Capability, Dataplane, DataplaneError, Forgetter, Gauge, Outcome, Refusal, Retired,
};
use tidegate_netlink::nftables::Family;
use tidegate_nft_table::{Kernel, ServiceTable};
use tidegate_plan::{Delta, Plan, PlanKey, ServicePlan};

use crate::UserspaceOptions;
use crate::address::{add_route, remove_route};
use crate::balance::SCHEDULERS;
use crate::engine::{Engine, Listener};
use crate::error::{WORDS, failed};
use crate::forget::Forget;
use crate::gauges::gauges;
use crate::limits::{PortReuse, raise_descriptor_limit};
use crate::listeners::{Listeners, family_of};
use crate::redirect::{Content, Redirected, SetId, lead_nowhere, table, wanted};

/// What Services can ask of this mode. Backends see the node's address, never the client's; SCTP
/// isn't forwarded.
const CAPABILITIES: &[Capability] = &[
    Capability::ClientIpAffinity,
    Capability::ExternalAddresses,
    Capability::LocalPolicy,
    Capability::SourceRanges,
    Capability::Weights,
];

/// The userspace mode on one network namespace.
///
/// Dropping it ends its threads and their connections, as the end of the process does, and leaves
/// the kernel's redirects, which the next one finds and takes over.
#[derive(Debug)]
pub struct UserspaceMode {
    options: UserspaceOptions,
    engine: Engine,
    kernel: Kernel,
    forget: Forget,
    forgetter: Forgetter,
    port_reuse: PortReuse,
    listeners: Listeners,
    /// What is in our tables for each Service.
    contents: BTreeMap<PlanKey, Content>,
    /// Our tables, once they have been reconciled.
    tables: Vec<ServiceTable<SetId>>,
    /// Whether what an earlier run left has been seen to.
    has_taken_over: bool,
    /// Whether new connections are another mode's already.
    is_retiring: bool,
}

impl UserspaceMode {
    /// Opens the mode on the calling thread's network namespace and starts its threads there.
    /// Nothing is redirected yet.
    ///
    /// # Errors
    /// The kernel has no netfilter netlink, or no more threads or descriptors are to be had.
    pub fn open(options: UserspaceOptions) -> Result<Self, DataplaneError> {
        let kernel = Kernel::open(WORDS)?;
        let forget = Forget::open()?;
        let forgetter = Forgetter::start(WORDS.mode)?;
        raise_descriptor_limit();
        let engine = Engine::start(&options.engine());
        let engine = engine.map_err(|error| failed("starting the threads that forward", error))?;
        Ok(Self {
            port_reuse: PortReuse::default(),
            options,
            engine,
            kernel,
            forget,
            forgetter,
            listeners: Listeners::new(),
            contents: BTreeMap::new(),
            tables: Vec::new(),
            has_taken_over: false,
            is_retiring: false,
        })
    }

    /// Makes our table of a family, and the way to our listeners, what they must be.
    fn reconcile_family(
        &mut self,
        plan: &Plan,
        family: Family,
        outcome: &mut Outcome,
    ) -> Result<(), DataplaneError> {
        let before = self
            .tables
            .iter()
            .position(|table| table.family() == family);
        let before = before.map(|place| self.tables.remove(place));
        let added = add_route(family).map_err(|error| match error {
            Errno::EAFNOSUPPORT | Errno::ENODEV | Errno::EACCES | Errno::EOPNOTSUPP
                if family == Family::Ip6 =>
            {
                DataplaneError::Missing {
                    mode: WORDS.mode,
                    missing: "IPv6".to_owned(),
                    remedy: "switch it on in the kernel".to_owned(),
                }
            }
            error => known_or_failed(error, "adding the listeners' route"),
        })?;
        if added {
            outcome.changed += 1;
            if before.is_some() {
                let range = crate::address::listener_range(family);
                outcome
                    .drift
                    .push(format!("the local route to {range} was gone"));
            }
        }
        let options = self.options.frame();
        let wanted = wanted(family, &plan.settings, options, &self.contents);
        let table = ServiceTable::reconcile(&mut self.kernel, wanted, before.as_ref(), outcome)?;
        self.tables.push(table);
        Ok(())
    }

    /// Has the listeners follow a Service's plan, and gives what the table must have for it.
    fn follow(
        &mut self,
        key: &PlanKey,
        plan: Option<&ServicePlan>,
        refused: &mut Vec<Refusal>,
    ) -> (Content, Vec<Arc<Listener>>) {
        let unused = self.listeners.update(&mut self.engine, key, plan, refused);
        let content = plan.map(|plan| Content::of(plan, self.listeners.addresses()));
        (content.unwrap_or_default(), unused)
    }

    fn put(&mut self, key: &PlanKey, content: Content) {
        match content.elements.is_empty() {
            true => self.contents.remove(key),
            false => self.contents.insert(key.clone(), content),
        };
    }

    fn reconcile_all(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        let mut outcome = Outcome::default();
        let mut unused = Vec::new();
        let known: Vec<PlanKey> = self.listeners.services().cloned().collect();
        for key in known.iter().filter(|key| !plan.services.contains_key(*key)) {
            unused.extend(self.follow(key, None, &mut outcome.refused).1);
        }
        self.contents
            .retain(|key, _| plan.services.contains_key(key));
        // A listener's address is usable only when packets to it are taken; binding isn't.
        for (key, service) in &plan.services {
            let (content, closed) = self.follow(key, Some(service), &mut outcome.refused);
            unused.extend(closed);
            self.put(key, content);
        }
        for family in Family::ALL {
            let has_services = plan
                .services
                .keys()
                .any(|key| family_of(key.family) == family);
            match self.reconcile_family(plan, family, &mut outcome) {
                Ok(()) => {}
                // A host without IPv6 serves IPv4.
                Err(error @ DataplaneError::Missing { .. })
                    if family == Family::Ip6 && !has_services =>
                {
                    tracing::info!(%error, "no Service of IPv6 can be served here");
                }
                Err(error) => return Err(error),
            }
        }
        self.engine.close(unused);
        self.forget.strays(plan, &self.listeners);
        outcome.drift.truncate(Outcome::MOST_LINES);
        Ok(outcome)
    }
}

impl Dataplane for UserspaceMode {
    fn mode(&self) -> &'static str {
        WORDS.mode
    }

    fn capabilities(&self) -> &'static [Capability] {
        CAPABILITIES
    }

    fn schedulers(&self) -> &'static [&'static str] {
        SCHEDULERS
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        self.is_retiring = false;
        if !self.has_taken_over {
            // Our listeners may get the ports of an earlier run's, and must not get its clients.
            lead_nowhere(&mut self.kernel)?;
            self.forget.everything();
            self.has_taken_over = true;
        }
        if self.options.reuse_ports_early {
            self.port_reuse.allow();
        }
        self.reconcile_all(plan)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        if self.tables.is_empty() {
            return Err(failed(
                "applying a change",
                "the kernel's state is unknown before the first reconcile",
            ));
        }
        let mut outcome = Outcome::default();
        let mut unused = Vec::new();
        let mut changes: Vec<(&PlanKey, Content, Content)> = Vec::new();
        let mut lost: HashSet<Redirected> = HashSet::new();
        let mut kept: HashSet<Redirected> = HashSet::new();
        for change in &delta.changes {
            let before = self.contents.remove(&change.key).unwrap_or_default();
            let plan = change.after.as_deref();
            let (after, closed) = self.follow(&change.key, plan, &mut outcome.refused);
            unused.extend(closed);
            lost.extend(&before.udp);
            kept.extend(&after.udp);
            self.put(&change.key, after.clone());
            changes.push((&change.key, before, after));
        }
        for table in &mut self.tables {
            let family = table.family();
            let of_family = changes
                .iter()
                .filter(|(key, _, _)| family_of(key.family) == family)
                .map(|(key, before, after)| (*key, &before.elements[..], &after.elements[..]));
            table.apply(&mut self.kernel, of_family, &mut outcome)?;
        }
        let is_served = |key: &PlanKey| {
            let mut tables = self.tables.iter();
            tables.any(|table| table.family() == family_of(key.family))
        };
        let unserved = changes.iter().filter(|(key, _, _)| !is_served(key));
        outcome.refused.extend(unserved.map(|(key, _, _)| Refusal {
            service: Some((*key).clone()),
            object: format!("the elements of {key}"),
            reason: "there is no table of this family".to_owned(),
        }));
        self.engine.close(unused);
        self.forget
            .redirects(&lost.difference(&kept).copied().collect());
        self.forgetter.tell(delta);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        // As long as the tables are there, clients hear of the end of their connections.
        self.engine.abort();
        self.tables.clear();
        self.contents.clear();
        let deleted = self.kernel.delete_tables(&Family::ALL.map(table));
        let mut unused = Vec::new();
        let known: Vec<PlanKey> = self.listeners.services().cloned().collect();
        for key in &known {
            unused.extend(self.follow(key, None, &mut Vec::new()).1);
        }
        self.engine.close(unused);
        self.engine.abort();
        // Who kept talking to one of our listeners has to be let go, or its frontend is dead to it.
        self.forget.everything();
        self.port_reuse.restore();
        for family in Family::ALL {
            let removed = remove_route(family);
            removed.map_err(|error| known_or_failed(error, "removing the listeners' route"))?;
        }
        deleted
    }

    /// Lets go of the frontends, and stays for as long as a client's connection is open: its bytes go
    /// through us. Our tables stay till then too, empty: the kernel translates addresses only where
    /// some table asks for it.
    fn retire(&mut self) -> Result<Retired, DataplaneError> {
        if !self.is_retiring {
            self.reconcile_all(&Plan::default())?;
            self.is_retiring = true;
        }
        match self.engine.counts().open_connections {
            0 => self.remove().map(|()| Retired::Gone),
            open => Ok(Retired::Draining(open)),
        }
    }

    fn take_options(&mut self, options: &dyn Any) -> bool {
        let options = options.downcast_ref::<UserspaceOptions>();
        let Some(options) = options.filter(|options| self.options.can_become(options)) else {
            return false;
        };
        self.engine.set_udp_idle(options.udp_idle);
        self.options = options.clone();
        true
    }

    fn gauges(&self) -> Vec<Gauge> {
        gauges(&self.engine.counts())
    }
}

fn known_or_failed(error: Errno, step: &str) -> DataplaneError {
    WORDS.known(error).unwrap_or_else(|| failed(step, error))
}
