//! Prints programs in the notation of `iptables-restore`.

use tidegate_model::IpFamily;
use tidegate_plan::Plan;

use crate::audit::Audit;
use crate::chains::Table;
use crate::edit::Text;
use crate::listing::TableListing;
use crate::options::IptablesOptions;
use crate::program::Program;

/// Prints the program that a plan becomes as it is given to `iptables-restore` where nothing is yet,
/// and then that for `ip6tables-restore`.
pub fn render(plan: &Plan, options: &IptablesOptions) -> String {
    let print = |(family, heading): (IpFamily, &str)| {
        let program = Program::of(plan, options, family);
        let nothing = TableListing::default();
        let tables = Table::ALL.map(|table| {
            let audit = Audit::of(table, &program, &nothing);
            Text::of(table, &audit.edits).text
        });
        format!("{heading}\n{}", tables.concat())
    };
    let families = [
        (IpFamily::V4, "# IPv4 (iptables-restore)"),
        (IpFamily::V6, "# IPv6 (ip6tables-restore)"),
    ];
    families.map(print).join("\n")
}
