//! The mode at work.

use tidegate_dataplane::{
    Capability, Dataplane, DataplaneError, Forgetter, Gauge, Outcome, Refusal, Retired,
};
use tidegate_model::IpFamily;
use tidegate_netlink::ipvs::Timeouts;
use tidegate_netlink::links::Link;
use tidegate_plan::{Delta, Plan};

use crate::error::{MODE, failed, of_link, of_socket};
use crate::family_state::FamilyState;
use crate::found::Found;
use crate::reconcile::{Start, reconcile};
use crate::requirements::Kernel;
use crate::retire::{Leaving, leave, remove_rules};
use crate::{DEVICE, IpvsOptions, SCHEDULERS, sysctls};

/// The IPVS mode on one network namespace.
#[derive(Debug)]
pub struct IpvsMode {
    options: IpvsOptions,
    kernel: Kernel,
    forgetter: Forgetter,
    /// What the kernel has, once it has been reconciled.
    state: Option<State>,
    /// What is left after the mode has given way.
    leaving: Option<Leaving>,
}

#[derive(Debug)]
struct State {
    link: Link,
    families: Vec<FamilyState>,
}

impl IpvsMode {
    /// Opens the mode on the calling thread's network namespace. A device and a virtual server are
    /// made and deleted again, to see that this is possible; nothing else is changed yet.
    ///
    /// # Errors
    /// [`DataplaneError::Missing`] names the part of the kernel, or the program, that isn't there,
    /// after an attempt to have its module loaded.
    pub fn open(options: IpvsOptions) -> Result<Self, DataplaneError> {
        Ok(Self {
            kernel: Kernel::open(&options)?,
            forgetter: Forgetter::start(MODE)?,
            options,
            state: None,
            leaving: None,
        })
    }

    fn set_timeouts(&mut self) -> Result<(), DataplaneError> {
        let seconds = |time: Option<std::time::Duration>| {
            let seconds = time.map_or(0, |time| time.as_secs());
            u32::try_from(seconds).unwrap_or(u32::MAX)
        };
        let timeouts = Timeouts {
            tcp: seconds(self.options.tcp_timeout),
            tcp_fin: seconds(self.options.tcp_fin_timeout),
            udp: seconds(self.options.udp_timeout),
        };
        let set = self.kernel.ipvs.set_timeouts(timeouts);
        set.map_err(|error| of_socket(&format!("ipvsadm --set {timeouts}"), error))
    }
}

impl Dataplane for IpvsMode {
    fn mode(&self) -> &'static str {
        MODE
    }

    fn capabilities(&self) -> &'static [Capability] {
        &Capability::ALL
    }

    fn schedulers(&self) -> &'static [&'static str] {
        SCHEDULERS
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        let mut outcome = Outcome {
            changed: sysctls::set(&self.options)?,
            ..Outcome::default()
        };
        self.set_timeouts()?;
        let left = self.leaving.take().unwrap_or_default();
        let before = self.state.take();
        let had = self.kernel.links.find(DEVICE);
        let had = had.map_err(|error| of_socket("looking for kube-ipvs0", error))?;
        if before.is_some() && had.is_none() {
            outcome.drift.push(format!("{DEVICE} was gone"));
        }
        let was_there = before.is_some() || had.is_some();
        let link = self.kernel.links.ensure_dummy(DEVICE).map_err(of_link)?;
        outcome.changed += usize::from(had.is_none());
        let found = Found::read(&mut self.kernel, Some(&link))?;
        let mut before = before.map_or_else(Vec::new, |state| state.families);
        let mut families = Vec::new();
        for family in IpFamily::ALL {
            let has_services = plan.services.keys().any(|key| key.family == family);
            if !crate::is_usable(family) && !has_services {
                continue;
            }
            let index = before.iter().position(|state| state.family == family);
            let start = Start {
                family,
                plan,
                options: &self.options,
                link: &link,
                found: &found,
                before: index.map(|index| before.swap_remove(index)),
                left: left.servers(),
                was_there,
            };
            match reconcile(&mut self.kernel, start, &mut outcome) {
                Ok(state) => families.push(state),
                // A host without ip6tables serves IPv4.
                Err(error @ DataplaneError::Missing { .. })
                    if family == IpFamily::V6 && !has_services =>
                {
                    tracing::info!(%error, "no Service of IPv6 can be served here");
                }
                Err(error) => return Err(error),
            }
        }
        self.state = Some(State { link, families });
        outcome.drift.truncate(Outcome::MOST_LINES);
        self.forgetter.check(plan);
        Ok(outcome)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        let Some(state) = &mut self.state else {
            let reason = "the kernel's state is unknown before the first reconcile";
            return Err(failed("applying a change", reason));
        };
        let mut outcome = Outcome::default();
        let is_served = |family| state.families.iter().any(|state| state.family == family);
        let unserved = delta
            .changes
            .iter()
            .filter(|change| !is_served(change.key.family));
        outcome.refused.extend(unserved.map(|change| Refusal {
            service: Some(change.key.clone()),
            object: format!("the virtual servers of {}", change.key),
            reason: "there are no rules of this family".to_owned(),
        }));
        let options = &self.options;
        for family in &mut state.families {
            family.apply(&mut self.kernel, &state.link, options, delta, &mut outcome)?;
        }
        self.forgetter.tell(delta);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        self.state = None;
        let mut leaving = match self.leaving.take() {
            Some(leaving) => leaving,
            None => Leaving::read(&mut self.kernel, &self.options)?,
        };
        remove_rules()?;
        leaving.remove(&mut self.kernel, &self.options)
    }

    fn retire(&mut self) -> Result<Retired, DataplaneError> {
        if self.leaving.is_none() {
            self.leaving = Some(Leaving::read(&mut self.kernel, &self.options)?);
            remove_rules()?;
            self.state = None;
        }
        let Some(leaving) = &mut self.leaving else {
            return Ok(Retired::Gone);
        };
        match leave(&mut self.kernel, leaving, &self.options)? {
            0 => self.remove().map(|()| Retired::Gone),
            established => Ok(Retired::Draining(established)),
        }
    }

    fn gauges(&self) -> Vec<Gauge> {
        let families = self.state.iter().flat_map(|state| &state.families);
        families.flat_map(gauges_of).collect()
    }
}

fn gauges_of(state: &FamilyState) -> [Gauge; 3] {
    let gauge = |name, help, value: usize| Gauge {
        name,
        help,
        labels: vec![("ip_family", state.family.to_string())],
        // Counts of servers are far below 2^52.
        value: value as f64,
        counter: false,
    };
    [
        gauge(
            "sync_proxy_rules_ipvs_virtual_servers",
            "Virtual servers in the kernel that Services need.",
            state.virtual_servers,
        ),
        gauge(
            "sync_proxy_rules_ipvs_real_servers",
            "Real servers in the kernel that Services need.",
            state.real_servers,
        ),
        gauge(
            "sync_proxy_rules_ipvs_draining_real_servers",
            "Real servers that are kept for the connections that they have.",
            state.draining.real_servers.len(),
        ),
    ]
}
