//! A pod's `/etc/hosts`.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::HostAlias;

use super::host_name::HostName;

const LOCAL: &str = "127.0.0.1\tlocalhost\n\
                     ::1\tlocalhost ip6-localhost ip6-loopback\n\
                     fe00::\tip6-localnet\n\
                     ff02::1\tip6-allnodes\n\
                     ff02::2\tip6-allrouters\n";

/// The file for a pod with its own addresses.
pub(crate) fn hosts(names: &HostName, addresses: &[IpAddr], aliases: &[HostAlias]) -> String {
    let mut text = format!("# Written by Tidegate for this pod.\n{LOCAL}");
    for address in addresses {
        let full = names.full.as_deref();
        let names: Vec<&str> = full.into_iter().chain([names.short.as_str()]).collect();
        text.push_str(&format!("{address}\t{}\n", names.join("\t")));
    }
    text + &alias_lines(aliases)
}

/// The file for a pod on the host's network: the host's own, with the pod's aliases.
pub(crate) fn hosts_on_host_network(of_host: &str, aliases: &[HostAlias]) -> String {
    let mut text = of_host.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text + &alias_lines(aliases)
}

fn alias_lines(aliases: &[HostAlias]) -> String {
    let lines = aliases.iter().map(|alias| {
        let names = alias.hostnames.as_deref().unwrap_or_default();
        format!("{}\t{}\n", alias.ip, names.join("\t"))
    });
    let lines: String = lines.collect();
    if lines.is_empty() {
        return lines;
    }
    format!("\n# From hostAliases.\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(ip: &str, names: &[&str]) -> HostAlias {
        HostAlias {
            ip: ip.to_owned(),
            hostnames: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        }
    }

    #[test]
    fn a_pod_finds_itself_and_its_aliases() {
        let names = HostName {
            name: "db-0".to_owned(),
            short: "db-0".to_owned(),
            full: Some("db-0.db.shop.svc.cluster.local".to_owned()),
        };
        let addresses = [IpAddr::from([10, 244, 0, 5])];
        let text = hosts(
            &names,
            &addresses,
            &[alias("192.0.2.7", &["a.example", "b.example"])],
        );
        assert!(
            text.contains("\n10.244.0.5\tdb-0.db.shop.svc.cluster.local\tdb-0\n"),
            "{text}"
        );
        assert!(
            text.contains("\n192.0.2.7\ta.example\tb.example\n"),
            "{text}"
        );
    }

    #[test]
    fn on_the_host_s_network_the_host_s_file_comes_first() {
        let text = hosts_on_host_network("127.0.0.1 localhost", &[alias("192.0.2.7", &["a"])]);
        assert!(text.starts_with("127.0.0.1 localhost\n"), "{text}");
        assert!(text.ends_with("192.0.2.7\ta\n"), "{text}");
    }
}
