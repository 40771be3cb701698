//! Makes the sets themselves, takes over those that are there, and destroys them.

use std::collections::BTreeSet;

use tidegate_dataplane::DataplaneError;
use tidegate_model::IpFamily;
use tidegate_netlink::ipset::{Ipset, Set, SetFound};

use crate::content::Placed;
use crate::error::of_ipset;
use crate::sets::SetId;

/// The name under which a set is made that takes another one's place.
const STAND_IN: &str = "KUBE-TIDEGATE-NEW";

/// The elements of those of our sets that are there, whoever made them.
pub(crate) fn read(
    ipset: &mut Ipset,
    family: IpFamily,
    found: &[SetFound],
) -> Result<BTreeSet<Placed>, DataplaneError> {
    let mut elements = BTreeSet::new();
    for set in SetId::ALL {
        let name = set.name(family);
        let there = found.iter().find(|one| one.name == name);
        let Some(there) = there.and_then(|one| one.set.as_ref()) else {
            continue;
        };
        if there.set_type != set.definition(family).set_type {
            continue;
        }
        let entries = ipset.entries(there);
        let entries = entries.map_err(|error| of_ipset("reading sets", error))?;
        let entries = entries.unwrap_or_default().into_iter();
        elements.extend(entries.map(|entry| Placed { set, entry }));
    }
    Ok(elements)
}

/// Makes the sets that aren't there, and puts others in the place of those that are other than ours
/// should be. Gives the sets that are empty now.
pub(crate) fn ensure(
    ipset: &mut Ipset,
    family: IpFamily,
    found: &[SetFound],
) -> Result<Vec<SetId>, DataplaneError> {
    let mut made = Vec::new();
    for set in SetId::ALL {
        let wanted = set.definition(family);
        let there = found.iter().find(|one| one.name == wanted.name);
        match there {
            Some(there) if there.is(&wanted) => continue,
            Some(_) => replace(ipset, &wanted)?,
            None => create(ipset, &wanted)?,
        }
        made.push(set);
    }
    Ok(made)
}

/// Destroys our sets of a family.
pub(crate) fn destroy(
    ipset: &mut Ipset,
    family: IpFamily,
    found: &[SetFound],
) -> Result<(), DataplaneError> {
    let mut failure = None;
    for name in SetId::ALL.map(|set| set.name(family)) {
        if found.iter().any(|one| one.name == name)
            && let Err(error) = ipset.destroy(&name)
        {
            failure = failure.or(Some(of_ipset("destroying our sets", error)));
        }
    }
    failure.map_or(Ok(()), Err)
}

fn create(ipset: &mut Ipset, set: &Set) -> Result<(), DataplaneError> {
    let created = ipset.create(set);
    created.map_err(|error| of_ipset("making our sets", error))
}

/// Rules that refer to a set by its name see the new one from one packet to the next.
fn replace(ipset: &mut Ipset, wanted: &Set) -> Result<(), DataplaneError> {
    let step = "putting our set in the place of another one";
    let stand_in = Set {
        name: STAND_IN.to_owned(),
        ..wanted.clone()
    };
    // One may be left of a process that was killed.
    let _ = ipset.destroy(STAND_IN);
    create(ipset, &stand_in)?;
    let swapped = ipset.swap(STAND_IN, &wanted.name);
    let destroyed = ipset.destroy(STAND_IN);
    swapped.map_err(|error| of_ipset(step, error))?;
    destroyed.map_err(|error| of_ipset(step, error))
}
