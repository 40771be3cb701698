//! The servers' configuration files. Each has one worker, no limits on how much one client may ask,
//! and else what it has by default.

use std::path::Path;

use crate::servers::Kind;
use crate::zone::ZONES;

/// Longer than a run, so that caches stay full.
const TTL: u32 = 3600;

/// A server's configuration file.
pub(super) fn of(kind: Kind, directory: &Path) -> String {
    let (port, directory) = (kind.port(), directory.display().to_string());
    match kind {
        Kind::Tidegate => tidegate(port),
        Kind::Knot => knot(port, &directory),
        Kind::Nsd => nsd(port, &directory),
        Kind::Unbound => unbound(port, &directory),
        Kind::Dnsmasq => dnsmasq(port),
        // It is told all at its start.
        Kind::Echo => String::new(),
    }
}

/// What Kubernetes installs use by default, but for pages that nobody asks for here and the time that
/// answers may be kept.
fn tidegate(port: u16) -> String {
    let upstream = Kind::Nsd.port();
    format!(
        ".:{port} {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        fallthrough in-addr.arpa ip6.arpa
        ttl {TTL}
    }}
    prometheus 127.0.0.1:9153
    forward . 127.0.0.1:{upstream}
    cache {TTL} {{
        success 65536 {TTL}
    }}
    loadbalance
    transfer {{
        to *
    }}
}}
"
    )
}

fn knot(port: u16, directory: &str) -> String {
    let mut text = format!(
        "server:
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    rundir: {directory}
log:
  - target: stderr
    any: error
database:
    storage: {directory}/knot
zone:
"
    );
    for zone in ZONES {
        text += &format!(
            "  - domain: {zone}
    storage: {directory}
    file: {zone}.zone
    zonefile-sync: -1
    journal-content: none
"
        );
    }
    text
}

fn nsd(port: u16, directory: &str) -> String {
    let mut text = format!(
        "server:
  server-count: 1
  ip-address: 127.0.0.1@{port}
  database: \"\"
  zonesdir: {directory}
  pidfile: {directory}/nsd.pid
  xfrdfile: {directory}/nsd.xfrd
  xfrdir: {directory}
  zonelistfile: {directory}/nsd.zones
  username: root
  verbosity: 0
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
"
    );
    for zone in ZONES {
        text += &format!("zone:\n  name: {zone}\n  zonefile: {zone}.zone\n");
    }
    text
}

fn unbound(port: u16, directory: &str) -> String {
    let upstream = Kind::Nsd.port();
    format!(
        "server:
  num-threads: 1
  interface: 127.0.0.1
  port: {port}
  chroot: \"\"
  username: \"\"
  directory: {directory}
  pidfile: {directory}/unbound.pid
  use-syslog: no
  verbosity: 0
  module-config: iterator
  do-not-query-localhost: no
  local-zone: 10.in-addr.arpa. nodefault
  msg-cache-size: 128m
  rrset-cache-size: 256m
remote-control:
  control-enable: no
forward-zone:
  name: .
  forward-addr: 127.0.0.1@{upstream}
"
    )
}

fn dnsmasq(port: u16) -> String {
    let upstream = Kind::Nsd.port();
    format!(
        "port={port}
listen-address=127.0.0.1
bind-interfaces
no-hosts
no-resolv
server=127.0.0.1#{upstream}
cache-size=500000
cache-rr=SRV
dns-forward-max=1000
user=root
pid-file=
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_listens_at_its_own_port() {
        let directory = Path::new("/run/compare");
        let texts = Kind::ALL.map(|kind| of(kind, directory));
        let configured = Kind::ALL.into_iter().zip(&texts);
        for (kind, text) in configured.filter(|(kind, _)| *kind != Kind::Echo) {
            assert!(text.contains(&kind.port().to_string()), "{text}");
        }
        insta::assert_snapshot!(texts.join("\n"));
    }
}
