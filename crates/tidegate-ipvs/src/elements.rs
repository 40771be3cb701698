//! Writes elements into the kernel's sets.

use std::collections::{BTreeMap, HashSet};

use tidegate_dataplane::{DataplaneError, Outcome, Refusal};
use tidegate_model::IpFamily;
use tidegate_netlink::ipset::{Element, Entry, Ipset};
use tidegate_plan::PlanKey;

use crate::content::Placed;
use crate::error::of_ipset;
use crate::sets::SetId;

/// Adds elements, each on behalf of a Service.
pub(crate) fn add(
    ipset: &mut Ipset,
    family: IpFamily,
    new: &[(Placed, &PlanKey)],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let mut by_set: BTreeMap<SetId, Vec<(Entry, &PlanKey)>> = BTreeMap::new();
    for (placed, key) in new {
        by_set
            .entry(placed.set)
            .or_default()
            .push((placed.entry, *key));
    }
    for (set, elements) in by_set {
        let name = set.name(family);
        let alone: Vec<Entry> = elements.iter().map(|(entry, _)| *entry).collect();
        let refused = ipset.add(&name, &alone);
        let refused = refused.map_err(|error| of_ipset("adding to sets", error))?;
        outcome.changed += alone.len() - refused.len().min(alone.len());
        for refusal in refused {
            if let Some((entry, service)) = elements.get(refusal.index) {
                outcome.refused.push(Refusal {
                    service: Some((*service).clone()),
                    object: format!("ipset add {name} {entry}"),
                    reason: refusal.reason.to_string(),
                });
            }
        }
    }
    Ok(())
}

/// Deletes elements, but for those that were just added with another mark.
pub(crate) fn delete(
    ipset: &mut Ipset,
    family: IpFamily,
    old: &[Placed],
    new: &[(Placed, &PlanKey)],
    outcome: &mut Outcome,
) -> Result<(), DataplaneError> {
    let without_mark = |placed: &Placed| (placed.set, placed.entry.element);
    let kept: HashSet<_> = new.iter().map(|(placed, _)| without_mark(placed)).collect();
    let mut by_set: BTreeMap<SetId, Vec<Element>> = BTreeMap::new();
    for placed in old
        .iter()
        .filter(|placed| !kept.contains(&without_mark(placed)))
    {
        by_set
            .entry(placed.set)
            .or_default()
            .push(placed.entry.element);
    }
    for (set, elements) in by_set {
        let name = set.name(family);
        let refused = ipset.delete(&name, &elements);
        let refused = refused.map_err(|error| of_ipset("deleting from sets", error))?;
        outcome.changed += elements.len() - refused.len().min(elements.len());
        for refusal in refused {
            if let Some(element) = elements.get(refusal.index) {
                outcome.refused.push(Refusal {
                    service: None,
                    object: format!("ipset del {name} {element}"),
                    reason: refusal.reason.to_string(),
                });
            }
        }
    }
    Ok(())
}
