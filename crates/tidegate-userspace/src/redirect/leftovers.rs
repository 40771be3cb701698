//! Our tables when nobody is there to serve what they redirect.

use tidegate_dataplane::DataplaneError;
use tidegate_netlink::nftables::{Batch, Family};
use tidegate_nft_table::{Kernel, Key};

use super::frame::table;
use super::sets::SetId;

/// Has tables that an earlier run left lead nowhere. What was redirected is refused until there are
/// listeners again, as it is anyway while nobody listens.
pub(crate) fn lead_nowhere(kernel: &mut Kernel) -> Result<(), DataplaneError> {
    for family in Family::ALL {
        let ours = table(family);
        if !kernel.has(&ours)? {
            continue;
        }
        let mut batch = Batch::new();
        for map in Key::ALL {
            batch.flush_set(&ours, SetId::Redirects(map).name());
            batch.flush_set(&ours, SetId::InsideRedirects(map).name());
        }
        // One of another shape may lack these maps.
        if kernel.nftables.commit(batch).is_err() {
            let mut batch = Batch::new();
            batch.delete_table(&ours);
            kernel.commit("deleting a table of an earlier run", batch)?;
        }
    }
    Ok(())
}
