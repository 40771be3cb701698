//! The mode at work: from plans and deltas to texts for `iptables-restore`.

use tidegate_dataplane::{
    Capability, Dataplane, DataplaneError, Forgetter, Gauge, Outcome, Refusal,
};
use tidegate_plan::{Delta, Plan, PlanKey};

use crate::family::Family;
use crate::options::IptablesOptions;
use crate::{matches, removal, sysctl, variant};

/// The mode's name.
pub(crate) const MODE: &str = "iptables";

/// The iptables mode on one network namespace.
#[derive(Debug)]
pub struct IptablesMode {
    options: IptablesOptions,
    families: Vec<Family>,
    forgetter: Forgetter,
    is_reconciled: bool,
}

impl IptablesMode {
    /// Opens the mode on the calling thread's network namespace, with the host's iptables. Nothing
    /// is changed yet.
    ///
    /// # Errors
    /// There is no iptables, or we may not use it.
    pub fn open(options: IptablesOptions) -> Result<Self, DataplaneError> {
        let tools = variant::tools(&options)?;
        for (family, tool) in &tools {
            let program = tool.restore.display();
            tracing::info!(%family, %program, "rules are written with this program");
        }
        let tools = tools.into_iter();
        Ok(Self {
            families: tools
                .map(|(family, tool)| Family::new(family, tool))
                .collect(),
            forgetter: Forgetter::start(MODE)?,
            options,
            is_reconciled: false,
        })
    }

    /// Makes node ports answer on 127.0.0.1. The rule that guards this is there already.
    fn route_loopback(&self, plan: &Plan, outcome: &mut Outcome) {
        if !matches::uses_loopback(&plan.settings, &self.options) {
            return;
        }
        match sysctl::route_loopback() {
            Ok(true) => {
                if self.is_reconciled {
                    outcome
                        .drift
                        .push("net.ipv4.conf.all.route_localnet was 0".to_owned());
                }
                outcome.changed += 1;
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "node ports can't be had on 127.0.0.1"),
        }
    }

    /// Names what is of a family that can't be served here.
    fn unserved<'a>(&self, keys: impl Iterator<Item = &'a PlanKey>) -> Vec<Refusal> {
        let is_served = |key: &&PlanKey| self.families.iter().any(|one| one.family == key.family);
        let refusal = |key: &PlanKey| Refusal {
            service: Some(key.clone()),
            object: format!("the rules of {key}"),
            reason: format!("{} can't be served on this machine", key.family),
        };
        keys.filter(|key| !is_served(key)).map(refusal).collect()
    }
}

impl Dataplane for IptablesMode {
    fn mode(&self) -> &'static str {
        MODE
    }

    fn capabilities(&self) -> &'static [Capability] {
        &Capability::ALL
    }

    fn schedulers(&self) -> &'static [&'static str] {
        &["random"]
    }

    fn reconcile(&mut self, plan: &Plan) -> Result<Outcome, DataplaneError> {
        let mut outcome = Outcome::default();
        for family in &mut self.families {
            family.reconcile(plan, &self.options, self.is_reconciled, &mut outcome)?;
        }
        let unserved = self.unserved(plan.services.keys());
        outcome.refused.extend(unserved);
        self.route_loopback(plan, &mut outcome);
        self.is_reconciled = true;
        outcome.drift.truncate(Outcome::MOST_LINES);
        self.forgetter.check(plan);
        Ok(outcome)
    }

    fn apply(&mut self, delta: &Delta) -> Result<Outcome, DataplaneError> {
        if !self.is_reconciled {
            return Err(DataplaneError::Failed {
                step: "applying a change".to_owned(),
                reason: "the kernel's state is unknown before the first reconcile".to_owned(),
            });
        }
        let mut outcome = Outcome::default();
        for family in &mut self.families {
            family.apply(delta, &self.options, &mut outcome)?;
        }
        let unserved = self.unserved(delta.changes.iter().map(|change| &change.key));
        outcome.refused.extend(unserved);
        self.forgetter.tell(delta);
        Ok(outcome)
    }

    fn remove(&mut self) -> Result<(), DataplaneError> {
        self.is_reconciled = false;
        // An earlier run may have used the other variant.
        let tools = variant::all_tools(&self.options).into_iter();
        let removed = tools.map(|tool| removal::remove(&tool));
        // What can be removed is, before an error is told.
        let failed: Vec<DataplaneError> = removed.filter_map(Result::err).collect();
        failed.into_iter().next().map_or(Ok(()), Err)
    }

    fn gauges(&self) -> Vec<Gauge> {
        let families = self.families.iter();
        families
            .flat_map(|one| one.tally.gauges(one.family))
            .collect()
    }
}
