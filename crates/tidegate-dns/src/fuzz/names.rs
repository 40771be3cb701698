//! Names that questions are about.

use rand::Rng;
use rand::rngs::StdRng;

use super::mutations::spoil;

/// Names that the handler under test knows something about, each by another of its parts.
pub(super) const NAMES: [&str; 40] = [
    "cluster.local",
    "svc.cluster.local",
    "default.svc.cluster.local",
    "web.default.svc.cluster.local",
    "WeB.dEfAuLt.SvC.cLuStEr.LoCaL",
    "dual.default.svc.cluster.local",
    "_http._tcp.dual.default.svc.cluster.local",
    "_http._tcp.pods.default.svc.cluster.local",
    "pods.default.svc.cluster.local",
    "pod-0.pods.default.svc.cluster.local",
    "10-1-0-3.pods.default.svc.cluster.local",
    "zone-a.pin._zone.pods.default.svc.cluster.local",
    "many.default.svc.cluster.local",
    "_http._tcp.many.default.svc.cluster.local",
    "ghost.default.svc.cluster.local",
    "inside.default.svc.cluster.local",
    "outside.default.svc.cluster.local",
    "ping.default.svc.cluster.local",
    "hop-12.default.svc.cluster.local",
    "10-1-0-1.default.pod.cluster.local",
    "1234-abcd--1.default.pod.cluster.local",
    "dns-version.cluster.local",
    "ns.dns.cluster.local",
    "7.0.96.10.in-addr.arpa",
    "2.0.1.10.in-addr.arpa",
    "0.96.10.in-addr.arpa",
    "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa",
    "6.9.0.0.0.0.d.f.ip6.arpa",
    "a.hosts.test",
    "any.wild.hosts.test",
    "nobody.hosts.test",
    "1.2.0.192.in-addr.arpa",
    "exact.rewritten.test",
    "prefix-web.default.svc.cluster.local",
    "deep.suffix.rewritten.test",
    "abc-regex.rewritten.test",
    "example.org.default.svc.cluster.local",
    "www.example.org",
    "x.limited.test",
    "",
];

/// A name in wire form: a known one, one below or beside it, or one of the longest there can be.
pub(super) fn name(rng: &mut StdRng) -> Vec<u8> {
    let known = NAMES[rng.random_range(0..NAMES.len())];
    let mut labels: Vec<Vec<u8>> = known
        .split('.')
        .filter(|label| !label.is_empty())
        .map(|label| label.as_bytes().to_vec())
        .collect();
    match rng.random_range(0..10) {
        0 => labels.insert(0, label(rng, 63)),
        1 => {
            let at = rng.random_range(0..=labels.len());
            labels.insert(at, label(rng, 12));
        }
        2 => {
            // As many labels as fit, and sometimes one more.
            let most = rng.random_range(100..130);
            labels = (labels.len()..most)
                .map(|_| label(rng, 1))
                .chain(labels)
                .collect();
        }
        3 => {
            labels = (0..rng.random_range(3..6))
                .map(|_| label(rng, 63))
                .collect();
        }
        4 => {
            if let Some(first) = labels.first_mut() {
                spoil(rng, first);
                first.truncate(63);
            }
        }
        _ => {}
    }
    let mut octets = Vec::new();
    for label in labels.iter().filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend(label);
    }
    octets.push(0);
    octets
}

fn label(rng: &mut StdRng, longest: usize) -> Vec<u8> {
    let length = rng.random_range(1..=longest);
    let is_plain = rng.random_bool(0.7);
    let octet = |rng: &mut StdRng| match is_plain {
        true => b"abcdefghijklmnopqrstuvwxyzAZ-_0123456789*"[rng.random_range(0..41)],
        false => rng.random(),
    };
    (0..length).map(|_| octet(rng)).collect()
}
