//! Makes the kernel forget where clients went, when they must not go there any more.
//!
//! The rules remember a client's backend by themselves. What they can't know is that a backend is
//! gone or that a Service no longer wants its clients to stay.

use std::collections::{HashMap, HashSet};

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{Batch, CommitError, Data, Element, Nftables, Set, Tuple};

use crate::content::Content;
use crate::error::{of_commit, of_socket};
use crate::frame::Frame;
use crate::sets::{Key, SetId};

/// How often what is remembered is read again, since a packet that is just on its way may bring
/// back what was deleted.
const PASSES: usize = 5;

/// The sticky frontends of some Services, each with the backends that its clients may stay with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stays {
    backends: HashMap<(Key, Tuple), HashSet<Tuple>>,
}

impl Stays {
    /// Adds the frontends of a Service.
    pub(crate) fn add(&mut self, content: &Content) {
        let sticky = content.elements.iter();
        for (set, element) in sticky {
            if let SetId::Sticky(key) = set {
                let place = (*key, without_last(&element.key));
                self.backends.entry(place).or_default();
            }
        }
        for (set, element) in &content.elements {
            if let SetId::StickySlots(key) | SetId::InsideSlots(key) = set
                && let Some(all) = self.backends.get_mut(&(*key, without_last(&element.key)))
                && let Data::Values(backend) = &element.data
            {
                all.insert(backend.clone());
            }
        }
    }

    /// Whether some client may stay here that may not stay there.
    pub(crate) fn has_more_than(&self, other: &Self) -> bool {
        self.backends.iter().any(|(frontend, backends)| {
            let others = other.backends.get(frontend);
            others.is_none_or(|others| !backends.is_subset(others))
        })
    }

    fn allows(&self, key: Key, frontend: &Tuple, backend: &Tuple) -> bool {
        let place = (key, frontend.clone());
        let backends = self.backends.get(&place);
        backends.is_some_and(|backends| backends.contains(backend))
    }

    fn concerns(&self, key: Key, frontend: &Tuple) -> bool {
        self.backends.contains_key(&(key, frontend.clone()))
    }
}

/// Deletes what is remembered of the frontends `before` (of all, if there is none) that `after`
/// doesn't allow.
pub(crate) fn forget(
    kernel: &mut Nftables,
    frame: &Frame,
    before: Option<&Stays>,
    after: &Stays,
) -> Result<(), DataplaneError> {
    for key in Key::ALL {
        let Some(set) = frame.set(SetId::Affinity(key)) else {
            continue;
        };
        let client = frame.table.family.address_length();
        for _ in 0..PASSES {
            let remembered = kernel.elements(&frame.table, set);
            let remembered = remembered.map_err(|error| of_socket("reading affinity", error))?;
            let wrong: Vec<Element> = remembered
                .into_iter()
                .filter(|element| {
                    let frontend = without(&element.key, client);
                    let Data::Values(backend) = &element.data else {
                        return false;
                    };
                    before.is_none_or(|before| before.concerns(key, &frontend))
                        && !after.allows(key, &frontend, backend)
                })
                .collect();
            if wrong.is_empty() {
                break;
            }
            delete(kernel, frame, set, &wrong)?;
        }
    }
    Ok(())
}

/// Deletes elements that may expire at any moment, which makes the kernel refuse to delete them.
fn delete(
    kernel: &mut Nftables,
    frame: &Frame,
    set: &Set,
    elements: &[Element],
) -> Result<(), DataplaneError> {
    let mut batch = Batch::new();
    batch.delete_elements(&frame.table, set, elements);
    let is_gone = |error: &CommitError| match error {
        CommitError::Refused(refused) => refused
            .iter()
            .all(|refused| refused.reason.errno == Errno::ENOENT),
        _ => false,
    };
    match kernel.commit(batch) {
        Ok(()) => Ok(()),
        Err(error) if is_gone(&error) => {
            let (first, second) = elements.split_at(elements.len() / 2);
            if first.is_empty() {
                return Ok(());
            }
            delete(kernel, frame, set, first)?;
            delete(kernel, frame, set, second)
        }
        Err(error) => Err(of_commit("forgetting where clients went", error)),
    }
}

/// The frontend in the key of a slot, or of a sticky frontend: all but the number behind it.
fn without_last(key: &Tuple) -> Tuple {
    without(key, 4)
}

fn without(key: &Tuple, bytes: usize) -> Tuple {
    key.first(key.as_bytes().len().saturating_sub(bytes))
}
