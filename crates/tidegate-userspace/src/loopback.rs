//! Node ports on 127.0.0.1, for modes whose program in the kernel doesn't reach there.
//!
//! A packet to 127.0.0.1 can be sent elsewhere by the kernel only with `route_localnet`, which opens
//! the loopback of every process to the network. Here it is listeners that answer, which forward
//! connections as the userspace mode does.

use std::any::Any;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tidegate_dataplane::{Capability, Dataplane, DataplaneError, Gauge, Outcome, Refusal, Retired};
use tidegate_model::{IpFamily, ServicePortName};
use tidegate_plan::{
    BackendSet, Decision, Delta, FrontendAddress, Plan, PlanKey, PortPlan, ServicePlan,
};

use crate::UserspaceOptions;
use crate::balance::Port;
use crate::engine::{Bind, Engine, Listener, Target};
use crate::error::failed;
use crate::gauges::gauges;
use crate::limits::raise_descriptor_limit;
use crate::listeners::transport;
use crate::redirect::loopback_is_selected;

/// Listeners on 127.0.0.1 for the node ports of a plan. They end with this value.
#[derive(Debug)]
pub struct LoopbackNodePorts {
    engine: Engine,
    /// Whether the plan's settings want node ports on 127.0.0.1.
    is_wanted: bool,
    services: HashMap<PlanKey, HashMap<ServicePortName, Served>>,
}

/// A service port with a listener on its node port.
#[derive(Debug)]
struct Served {
    port: Arc<Port>,
    node_port: u16,
    set: BackendSet,
    listener: Arc<Listener>,
}

impl LoopbackNodePorts {
    /// Starts the threads that forward, in the calling thread's network namespace. Of the options
    /// only those of the engine count.
    ///
    /// # Errors
    /// No more threads or descriptors are to be had.
    pub fn start(options: &UserspaceOptions) -> Result<Self, DataplaneError> {
        raise_descriptor_limit();
        let engine = Engine::start(&options.engine());
        let engine = engine.map_err(|error| failed("starting the threads that forward", error))?;
        Ok(Self {
            engine,
            is_wanted: false,
            services: HashMap::new(),
        })
    }

    /// Has exactly the listeners that a plan asks for.
    pub fn reconcile(&mut self, plan: &Plan, outcome: &mut Outcome) {
        self.is_wanted = loopback_is_selected(&plan.settings);
        let gone: Vec<PlanKey> = self.services.keys().cloned().collect();
        let gone = gone.iter().filter(|key| !plan.services.contains_key(*key));
        let gone = gone.map(|key| (key, None));
        let there = plan.services.iter();
        let there = there.map(|(key, service)| (key, Some(service.as_ref())));
        self.follow(gone.chain(there).collect(), outcome);
    }

    /// Follows a change of the plan.
    pub fn apply(&mut self, delta: &Delta, outcome: &mut Outcome) {
        let changes = delta.changes.iter();
        let changes = changes.map(|change| (&change.key, change.after.as_deref()));
        self.follow(changes.collect(), outcome);
    }

    /// Closes all listeners. Connections that are open go on; how many those are.
    pub fn close(&mut self) -> usize {
        let services = self.services.drain();
        let listeners = services.flat_map(|(_, ports)| ports.into_values());
        let listeners = listeners.map(|served| served.listener).collect();
        self.engine.close(listeners);
        self.engine.counts().open_connections
    }

    /// Closes all listeners and breaks off all connections.
    pub fn end(&mut self) {
        self.close();
        self.engine.abort();
    }

    /// First everything that goes, then everything that comes: a node port may go from one Service
    /// to another.
    fn follow(&mut self, plans: Vec<(&PlanKey, Option<&ServicePlan>)>, outcome: &mut Outcome) {
        let mut unused = Vec::new();
        let mut missing = Vec::new();
        for (key, plan) in plans {
            let plan = plan.filter(|_| self.is_wanted && key.family == IpFamily::V4);
            let mut before = self.services.remove(key).unwrap_or_default();
            let mut after = HashMap::new();
            for port in plan.into_iter().flat_map(|plan| &plan.ports) {
                let Some((node_port, set)) = node_port(port) else {
                    continue;
                };
                let stays = |served: &Served| served.node_port == node_port && served.set == set;
                match before.remove(&port.name) {
                    Some(served) if stays(&served) => {
                        served.port.update(port);
                        after.insert(port.name.clone(), served);
                    }
                    served => {
                        unused.extend(served.map(|served| served.listener));
                        missing.push((key, port, node_port, set));
                    }
                }
            }
            unused.extend(before.into_values().map(|served| served.listener));
            if !after.is_empty() {
                self.services.insert(key.clone(), after);
            }
        }
        outcome.changed += unused.len() + missing.len();
        self.engine.close(unused);
        for (key, plan, node_port, set) in missing {
            match self.open(plan, node_port, set) {
                Ok(served) => {
                    let services = self.services.entry(key.clone()).or_default();
                    services.insert(plan.name.clone(), served);
                }
                Err(refusal) => outcome.refused.push(Refusal {
                    service: Some(key.clone()),
                    ..refusal
                }),
            }
        }
    }

    fn open(
        &mut self,
        plan: &PortPlan,
        node_port: u16,
        set: BackendSet,
    ) -> Result<Served, Refusal> {
        let at = SocketAddr::from((Ipv4Addr::LOCALHOST, node_port));
        let refusal = |reason: String| Refusal {
            service: None,
            object: format!("a listener on {at}/{}", plan.name.protocol.lower_name()),
            reason,
        };
        let transport = transport(plan.name.protocol);
        let transport = transport.ok_or_else(|| refusal("it is SCTP".to_owned()))?;
        let port = Arc::new(Port::new(plan));
        let target = Target {
            port: Arc::clone(&port),
            set,
        };
        let listener = self.engine.listen(transport, at, Bind::Shared, target);
        let listener = listener.map_err(|error| match error {
            rustix::io::Errno::ADDRINUSE => refusal("another process listens there".to_owned()),
            error => refusal(error.to_string()),
        })?;
        Ok(Served {
            port,
            node_port,
            set,
            listener,
        })
    }
}

/// A port's node port, and where its connections from this node go. One that refuses has no
/// listener, and so refuses.
fn node_port(port: &PortPlan) -> Option<(u16, BackendSet)> {
    transport(port.name.protocol)?;
    port.frontends
        .iter()
        .find_map(|frontend| match (frontend.address, frontend.inside) {
            (FrontendAddress::NodePort(_), Decision::Balance(set)) => Some((frontend.port, set)),
            _ => None,
        })
}

/// A mode of the kernel's, with node ports on 127.0.0.1 besides.
///
/// It is the inner mode in everything else. A node port that another process has on 127.0.0.1 is
/// told as refused, and all others work.
#[derive(Debug)]
pub struct WithLoopbackNodePorts<D> {
    inner: D,
    loopback: LoopbackNodePorts,
    options: UserspaceOptions,
    inner_is_gone: bool,
}

impl<D: Dataplane> WithLoopbackNodePorts<D> {
    /// Adds node ports on 127.0.0.1 to a mode, in the calling thread's network namespace.
    ///
    /// # Errors
    /// No more threads or descriptors are to be had.
    pub fn new(inner: D, options: &UserspaceOptions) -> Result<Self, DataplaneError> {
        Ok(Self {
            inner,
            loopback: LoopbackNodePorts::start(options)?,
            options: options.clone(),
            inner_is_gone: false,
        })
    }
}

impl<D: Dataplane> Dataplane for WithLoopbackNodePorts<D> {
    fn mode(&self) -> &'static str {
        self.inner.mode()
    }

    fn capabilities(&self) -> &'static [Capability] {
        self.inner.capabilities()
    }

    fn schedulers(&self) -> &'static [&'static str] {
        self.inner.schedulers()
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        self.inner_is_gone = false;
        let mut outcome = self.inner.reconcile(plan)?;
        self.loopback.reconcile(plan, &mut outcome);
        Ok(outcome)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        let mut outcome = self.inner.apply(delta)?;
        self.loopback.apply(delta, &mut outcome);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        self.loopback.end();
        self.inner.remove()
    }

    fn retire(&mut self) -> Result<Retired, DataplaneError> {
        let ours = self.loopback.close();
        let inners = match self.inner_is_gone {
            true => 0,
            false => match self.inner.retire()? {
                Retired::Gone => {
                    self.inner_is_gone = true;
                    0
                }
                Retired::Draining(open) => open,
            },
        };
        match ours + inners {
            0 => Ok(Retired::Gone),
            open => Ok(Retired::Draining(open)),
        }
    }

    /// Those of the userspace mode are for the listeners, all others for the inner mode.
    fn take_options(&mut self, options: &dyn Any) -> bool {
        let Some(ours) = options.downcast_ref::<UserspaceOptions>() else {
            return self.inner.take_options(options);
        };
        if !self.options.can_become(ours) {
            return false;
        }
        self.loopback.engine.set_udp_idle(ours.udp_idle);
        self.options = ours.clone();
        true
    }

    fn gauges(&self) -> Vec<Gauge> {
        let mut all = self.inner.gauges();
        all.extend(gauges(&self.loopback.engine.counts()));
        all
    }
}
