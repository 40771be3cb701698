//! Which programs of the host are used.

use std::path::PathBuf;

use tidegate_dataplane::DataplaneError;
use tidegate_model::IpFamily;

use crate::options::{IptablesOptions, Variant};
use crate::tool::{Tool, missing};

/// Where programs of administrators are, in case the search path of a service leaves them out.
const ADMINISTRATORS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// The tools for each IP family that can be served here, IPv4 first.
///
/// # Errors
/// There is no iptables for IPv4.
pub(crate) fn tools(options: &IptablesOptions) -> Result<Vec<(IpFamily, Tool)>, DataplaneError> {
    let variant = match options.variant {
        Variant::Auto => detect(options)?,
        variant => variant,
    };
    let v4 = find(variant, IpFamily::V4, options)?;
    let mut tools = vec![(IpFamily::V4, v4)];
    if has_ipv6() {
        match find(variant, IpFamily::V6, options) {
            Ok(v6) => tools.push((IpFamily::V6, v6)),
            Err(error) => tracing::warn!(%error, "no Service of IPv6 can be served here"),
        }
    }
    Ok(tools)
}

/// All tools that there are on this host, of every variant.
pub(crate) fn all_tools(options: &IptablesOptions) -> Vec<Tool> {
    let variants = [Variant::Nft, Variant::Legacy, Variant::Auto];
    let mut tools: Vec<Tool> = Vec::new();
    for family in IpFamily::ALL {
        for variant in variants {
            // What the host calls `iptables` is one of the two others where those have names.
            let of_family = tools.iter().any(|tool| tool.family() == family);
            if variant == Variant::Auto && of_family {
                continue;
            }
            tools.extend(find(variant, family, options));
        }
    }
    tools
}

/// Takes the variant that has Kubernetes chains already, as upstream's wrapper does. The kubelet or
/// an earlier proxy made them, and two variants at once hinder each other.
fn detect(options: &IptablesOptions) -> Result<Variant, DataplaneError> {
    for variant in [Variant::Nft, Variant::Legacy] {
        if let Ok(tool) = find(variant, IpFamily::V4, options)
            && tool.list()?.has_kubernetes
        {
            return Ok(variant);
        }
    }
    Ok(Variant::Auto)
}

fn find(
    variant: Variant,
    family: IpFamily,
    options: &IptablesOptions,
) -> Result<Tool, DataplaneError> {
    let name = match family {
        IpFamily::V4 => "iptables",
        IpFamily::V6 => "ip6tables",
    };
    let infix = match variant {
        Variant::Auto => "",
        Variant::Legacy => "-legacy",
        Variant::Nft => "-nft",
    };
    let program = |verb: &str| {
        let program = format!("{name}{infix}-{verb}");
        find_program(&program).ok_or_else(|| missing(&program))
    };
    let restore = program("restore")?;
    Ok(Tool {
        is_legacy: is_legacy(variant, &restore),
        restore,
        save: program("save")?,
        name,
        wait: options.lock_wait.as_secs().max(1),
    })
}

/// What the host calls `iptables` is a link to one of the two programs that are all of it. A host
/// that has neither has an iptables from before there were two.
fn is_legacy(variant: Variant, restore: &std::path::Path) -> bool {
    match variant {
        Variant::Legacy => true,
        Variant::Nft => false,
        Variant::Auto => {
            let real = restore.canonicalize().unwrap_or_default();
            !real.to_string_lossy().contains("nft")
        }
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).chain(ADMINISTRATORS.map(PathBuf::from));
    let mut programs = places.map(|place| place.join(name));
    programs.find(|program| program.is_file())
}

/// Whether this network namespace knows IPv6 at all.
fn has_ipv6() -> bool {
    PathBuf::from("/proc/thread-self/net/if_inet6").exists()
}

impl Tool {
    /// The family whose rules it changes.
    fn family(&self) -> IpFamily {
        match self.name {
            "iptables" => IpFamily::V4,
            _ => IpFamily::V6,
        }
    }
}
