//! Our tables when nobody is there to serve what they redirect.

use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{Batch, Family, Nftables};

use super::frame::table;
use super::sets::{Key, SetId};
use crate::error::{of_commit, of_socket};

/// Has tables that an earlier run left lead nowhere. What was redirected is refused until there are
/// listeners again, as it is anyway while nobody listens.
pub(crate) fn lead_nowhere(kernel: &mut Nftables) -> Result<(), DataplaneError> {
    for family in Family::ALL {
        let ours = table(family);
        let there = kernel.tables(family);
        let there = there.map_err(|error| of_socket("listing tables", error))?;
        if !there.iter().any(|table| table.name == ours.name) {
            continue;
        }
        let mut batch = Batch::new();
        for map in [Key::Address, Key::NodePort] {
            batch.flush_set(&ours, SetId::Redirects(map).name());
            batch.flush_set(&ours, SetId::InsideRedirects(map).name());
        }
        // One of another shape may lack these maps.
        if kernel.commit(batch).is_err() {
            let mut batch = Batch::new();
            batch.delete_table(&ours);
            let deleted = kernel.commit(batch);
            deleted.map_err(|error| of_commit("deleting a table of an earlier run", error))?;
        }
    }
    Ok(())
}

/// Deletes our tables, where they are.
pub(crate) fn delete_tables(kernel: &mut Nftables) -> Result<(), DataplaneError> {
    let mut batch = Batch::new();
    for family in Family::ALL {
        let ours = table(family);
        let there = kernel.tables(family);
        let there = there.map_err(|error| of_socket("listing tables", error))?;
        if there.iter().any(|table| table.name == ours.name) {
            batch.delete_table(&ours);
        }
    }
    let deleted = kernel.commit(batch);
    deleted.map_err(|error| of_commit("deleting our tables", error))
}
