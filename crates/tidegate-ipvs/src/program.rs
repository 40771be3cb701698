//! A whole program: the virtual servers, addresses, sets and rules of a family.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use tidegate_model::IpFamily;
use tidegate_netlink::ipvs::Change;
use tidegate_plan::{Plan, PlanKey};

use crate::IpvsOptions;
use crate::addresses::NodeAddresses;
use crate::content::{Content, Placed, Surroundings};
use crate::marks::Marks;
use crate::rules;
use crate::sets::SetId;

/// What the kernel must have in one family.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) tables: [rules::Table; 3],
    /// What each Service needs, in the order of the Services' names.
    pub(crate) services: Vec<(PlanKey, Content)>,
}

impl Program {
    /// The program of a plan in one family, on a node with these addresses.
    pub(crate) fn of(
        plan: &Plan,
        family: IpFamily,
        options: &IpvsOptions,
        addresses: &NodeAddresses,
        marks: &mut Marks,
    ) -> Self {
        let mut around = Surroundings {
            addresses,
            options,
            marks,
        };
        let of_family = plan.services.iter().filter(|(key, _)| key.family == family);
        let services = of_family.map(|(key, plan)| (key.clone(), Content::of(plan, &mut around)));
        Self {
            services: services.collect(),
            tables: rules::tables(family, &plan.settings, options),
        }
    }
}

/// Prints the program that a plan becomes, in the notations of the tools that show it in the
/// kernel: `ip`, `ipvsadm -S -n`, `ipset save` and `iptables-save`; IPv4 first.
///
/// Which addresses a node has isn't known here: 0.0.0.0 and `::` stand for each of them.
pub fn render(plan: &Plan, options: &IpvsOptions) -> String {
    let text = |family| {
        let addresses = NodeAddresses::unknown(family);
        let program = Program::of(plan, family, options, &addresses, &mut Marks::default());
        program.text(family)
    };
    IpFamily::ALL.map(text).concat()
}

impl Program {
    fn text(&self, family: IpFamily) -> String {
        let (ip, restore) = match family {
            IpFamily::V4 => ("ip", "iptables-restore"),
            IpFamily::V6 => ("ip -6", "ip6tables-restore"),
        };
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = self.write(&mut text, family, ip, restore);
        text
    }

    fn write(
        &self,
        text: &mut String,
        family: IpFamily,
        ip: &str,
        restore: &str,
    ) -> std::fmt::Result {
        let contents = || self.services.iter().map(|(_, content)| content);
        writeln!(text, "# {family}: addresses of {}", crate::DEVICE)?;
        let addresses: BTreeSet<&IpAddr> = contents().flat_map(|one| &one.addresses).collect();
        let prefix = crate::family(family).bits();
        for address in addresses {
            writeln!(
                text,
                "{ip} addr add {address}/{prefix} dev {}",
                crate::DEVICE
            )?;
        }
        writeln!(text, "\n# {family}: virtual servers (ipvsadm -R)")?;
        for server in contents().flat_map(|one| &one.servers) {
            let of = server.virtual_server.address;
            writeln!(
                text,
                "{}",
                Change::AddVirtual(server.virtual_server.clone())
            )?;
            for real_server in &server.real_servers {
                writeln!(text, "{}", Change::AddReal(of, *real_server))?;
            }
        }
        writeln!(text, "\n# {family}: sets (ipset restore)")?;
        let elements: BTreeSet<&Placed> = contents().flat_map(|one| &one.elements).collect();
        for set in SetId::ALL {
            writeln!(text, "{}", set.definition(family))?;
            for placed in elements.iter().filter(|placed| placed.set == set) {
                writeln!(text, "add {} {}", set.name(family), placed.entry)?;
            }
        }
        writeln!(text, "\n# {family}: rules ({restore} --noflush)")?;
        for table in &self.tables {
            write!(text, "{table}")?;
        }
        writeln!(text)
    }
}
