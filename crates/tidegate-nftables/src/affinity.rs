//! Makes the kernel forget where clients went, when they must not go there any more.
//!
//! The rules remember a client's backend by themselves. What they can't know is that a backend is
//! gone or that a Service no longer wants its clients to stay.

use std::collections::{HashMap, HashSet};

use nix::errno::Errno;
use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{Batch, CommitError, Data, Element, Table, Tuple};
use tidegate_nft_table::{Kernel, TableSet};

use crate::content::Content;
use crate::sets::SetId;

/// The length of what a key of the map begins with, in bytes: the memory's number.
const ID_LENGTH: usize = 8;

/// How often what is remembered is read again, since a packet that is just on its way may bring
/// back what was deleted.
const PASSES: usize = 5;

/// The memories of some Services, each with the backends that clients may stay with, as their keys
/// in the kernel have them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stays {
    backends: HashMap<Tuple, HashSet<Tuple>>,
}

impl Stays {
    /// Adds the memories of a Service.
    pub(crate) fn add(&mut self, content: &Content) {
        for (memory, backends) in &content.memories {
            let all = self.backends.entry(memory.id.key()).or_default();
            let backends = backends.iter();
            all.extend(backends.map(|addr| Tuple::new().address(addr.ip).port(addr.port)));
        }
    }

    /// Whether some client may stay here that may not stay there.
    pub(crate) fn has_more_than(&self, other: &Self) -> bool {
        self.backends.iter().any(|(memory, backends)| {
            let others = other.backends.get(memory);
            others.is_none_or(|others| !backends.is_subset(others))
        })
    }

    fn allows(&self, memory: &Tuple, backend: &Tuple) -> bool {
        let backends = self.backends.get(memory);
        backends.is_some_and(|backends| backends.contains(backend))
    }
}

/// Deletes what the memories `before` (all, if there is none) hold and `after` doesn't allow.
pub(crate) fn forget(
    kernel: &mut Kernel,
    table: &Table,
    before: Option<&Stays>,
    after: &Stays,
) -> Result<(), DataplaneError> {
    let set = SetId::Affinity.definition(table.family);
    for _ in 0..PASSES {
        let remembered = kernel.nftables.elements(table, &set);
        let told = |error| kernel.words.of_socket("reading affinity", error);
        let remembered = remembered.map_err(told)?;
        let is_wrong = |element: &Element| {
            let memory = element.key.first(ID_LENGTH);
            let Data::Values(backend) = &element.data else {
                return false;
            };
            before.is_none_or(|before| before.backends.contains_key(&memory))
                && !after.allows(&memory, backend)
        };
        let wrong: Vec<Element> = remembered.into_iter().filter(is_wrong).collect();
        if wrong.is_empty() {
            break;
        }
        delete(kernel, table, &wrong)?;
    }
    Ok(())
}

/// Deletes elements that may expire at any moment, which makes the kernel refuse to delete them.
fn delete(kernel: &mut Kernel, table: &Table, elements: &[Element]) -> Result<(), DataplaneError> {
    let mut batch = Batch::new();
    batch.delete_elements(table, &SetId::Affinity.definition(table.family), elements);
    let is_gone = |error: &CommitError| match error {
        CommitError::Refused(refused) => refused
            .iter()
            .all(|refused| refused.reason.errno == Errno::ENOENT),
        _ => false,
    };
    match kernel.nftables.commit(batch) {
        Ok(()) => Ok(()),
        Err(error) if is_gone(&error) => {
            let (first, second) = elements.split_at(elements.len() / 2);
            if first.is_empty() {
                return Ok(());
            }
            delete(kernel, table, first)?;
            delete(kernel, table, second)
        }
        Err(error) => Err(kernel
            .words
            .of_commit("forgetting where clients went", error)),
    }
}
