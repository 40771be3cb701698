//! The plugins, each with the arguments and properties that CoreDNS has for it.

pub(super) mod autopath;
pub(super) mod bind;
pub(super) mod cache;
pub(super) mod errors;
pub(super) mod forward;
pub(super) mod hosts;
pub(super) mod kubernetes;
pub(super) mod log;
pub(super) mod probes;
pub(super) mod rewrite;
pub(super) mod transfer;
pub(super) mod tsig;

use super::line::Line;
use crate::problem::{Problem, ProblemKind};

/// The plugins of a Corefile that are read, in the order of their names.
pub const SUPPORTED_PLUGINS: [&str; 17] = [
    "autopath",
    "bind",
    "cache",
    "errors",
    "forward",
    "health",
    "hosts",
    "kubernetes",
    "loadbalance",
    "log",
    "loop",
    "prometheus",
    "ready",
    "reload",
    "rewrite",
    "transfer",
    "tsig",
];

/// The other plugins that CoreDNS comes with.
const OF_COREDNS: [&str; 42] = [
    "acl",
    "any",
    "auto",
    "azure",
    "bufsize",
    "cancel",
    "chaos",
    "clouddns",
    "debug",
    "dns64",
    "dnssec",
    "dnstap",
    "erratic",
    "etcd",
    "file",
    "geoip",
    "grpc",
    "grpc_server",
    "header",
    "https",
    "https3",
    "k8s_external",
    "local",
    "metadata",
    "minimal",
    "multisocket",
    "nomad",
    "nsid",
    "on",
    "pprof",
    "proxyproto",
    "quic",
    "root",
    "route53",
    "secondary",
    "sign",
    "template",
    "timeouts",
    "tls",
    "trace",
    "view",
    "whoami",
];

/// Says of a plugin that we don't have whether CoreDNS has it.
pub(super) fn unknown(line: &Line) -> Problem {
    let name = line.name.as_str();
    if OF_COREDNS.contains(&name) {
        return line.unsupported(format!(
            "CoreDNS has this plugin, we do not; remove it (there are {})",
            SUPPORTED_PLUGINS.join(", ")
        ));
    }
    // Plugins that files may still have, and what there is in their place.
    let instead = match name {
        "proxy" => Some("CoreDNS has no such plugin any more; write forward instead"),
        "federation" => Some("CoreDNS has no such plugin any more; remove it"),
        "rrl" => Some("is no plugin here; write rateLimit in our own YAML instead"),
        _ => None,
    };
    if let Some(instead) = instead {
        return line.unsupported(instead);
    }
    line.problem(
        ProblemKind::Unknown,
        format!(
            "CoreDNS has no plugin of this name, and neither do we; there are {}",
            SUPPORTED_PLUGINS.join(", ")
        ),
    )
}
