//! The names that the other servers serve: what `tidegate dns` itself hands out as a zone transfer.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::cluster::Size;
use crate::questions::{FOREIGN_NAMES, foreign_name, reverse};

/// The zones that are served from files, as `<zone>.zone`.
pub(crate) const ZONES: [&str; 3] = ["cluster.local", "10.in-addr.arpa", "example.com"];

/// What is the same for all Services' addresses: the beginning of the API's default range.
const CLUSTER_IPS: &str = "10.96.";

/// Writes the zones' files into a directory, and gives the Services' cluster IPs.
pub(crate) fn write_files(directory: &Path, port: u16, size: Size) -> anyhow::Result<Vec<String>> {
    let zone = transfer(port)?;
    let (reverse, cluster_ips) = reverse_zone(&zone);
    ensure!(
        cluster_ips.len() >= size.services as usize / 2,
        "the zone transfer holds only {} Services",
        cluster_ips.len()
    );
    for (name, text) in ZONES.into_iter().zip([zone, reverse, foreign_zone()]) {
        let path = directory.join(format!("{name}.zone"));
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(cluster_ips)
}

/// The cluster's zone as text: a record a line.
fn transfer(port: u16) -> anyhow::Result<String> {
    let mut dig = Command::new("dig");
    dig.args([
        "@127.0.0.1",
        "-p",
        &port.to_string(),
        "cluster.local",
        "AXFR",
    ]);
    dig.args(["+noall", "+answer", "+onesoa"]);
    let output = dig.output().context("dig")?;
    let text = String::from_utf8(output.stdout).context("what dig printed")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "dig failed: {errors}{text}");
    Ok(text)
}

/// The names of the zone's addresses, as they are told for endpoints of headless Services and for
/// cluster IPs, and those cluster IPs.
fn reverse_zone(zone: &str) -> (String, Vec<String>) {
    let mut text = head("10.in-addr.arpa.");
    let mut cluster_ips = Vec::new();
    for line in zone.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let &[owner, ttl, "IN", "A", address] = &fields[..] else {
            continue;
        };
        if !owner.ends_with(".svc.cluster.local.") {
            continue;
        }
        let is_service = owner.split('.').count() == 6;
        let is_cluster_ip = address.starts_with(CLUSTER_IPS);
        if is_service && !is_cluster_ip {
            continue;
        }
        if is_cluster_ip {
            cluster_ips.push(address.to_owned());
        }
        // Writing to a string can't fail.
        let _ = writeln!(text, "{} {ttl} IN PTR {owner}", reverse(address));
    }
    (text, cluster_ips)
}

/// Names that no cluster has, for servers that ask others.
fn foreign_zone() -> String {
    let mut text = head("example.com.");
    for number in 0..FOREIGN_NAMES {
        let (high, low) = (number / 250, number % 250 + 1);
        let name = foreign_name(number);
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name} 3600 IN A 198.18.{high}.{low}");
    }
    text
}

fn head(zone: &str) -> String {
    format!(
        "{zone} 3600 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 3600\n\
         {zone} 3600 IN NS ns.dns.cluster.local.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_ips_and_endpoints_have_names_but_addresses_of_headless_services_don_t() {
        let zone = "\
cluster.local.\t300\tIN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local. 1 2 3 4 5
ns.dns.cluster.local. 5 IN A 127.0.0.1
a.default.svc.cluster.local. 5 IN A 10.96.1.2
_http._tcp.a.default.svc.cluster.local. 5 IN SRV 0 100 80 a.default.svc.cluster.local.
b.default.svc.cluster.local. 5 IN A 10.128.0.1
10-128-0-1.b.default.svc.cluster.local. 5 IN A 10.128.0.1
";
        let (text, cluster_ips) = reverse_zone(zone);
        assert_eq!(cluster_ips, ["10.96.1.2"]);
        insta::assert_snapshot!(text, @"
        10.in-addr.arpa. 3600 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 3600
        10.in-addr.arpa. 3600 IN NS ns.dns.cluster.local.
        2.1.96.10.in-addr.arpa. 5 IN PTR a.default.svc.cluster.local.
        1.0.128.10.in-addr.arpa. 5 IN PTR 10-128-0-1.b.default.svc.cluster.local.
        ");
    }
}
