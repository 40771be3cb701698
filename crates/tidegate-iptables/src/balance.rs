//! Rules that pick one of several backends, and the chains that lead to them.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use tidegate_model::{EndpointAddr, SessionAffinity};
use tidegate_plan::{Backend, PortPlan};

use crate::chains::MARK_MASQ;
use crate::content::OwnChain;
use crate::matches::comment;
use crate::names::{PortNames, destination};

/// The rules that send a connection to one of the backends: first those that let a known client
/// stay, then those that draw.
///
/// Each rule takes the share that its backend has of what the rules before it left over, so that
/// every backend gets what its weight says; the last one takes the rest.
pub(crate) fn choice(
    names: &PortNames,
    affinity: SessionAffinity,
    backends: &[Backend],
    with_comments: bool,
) -> Vec<String> {
    let targets: Vec<(String, String)> = backends
        .iter()
        .map(|backend| {
            let to = format!("{} -> {}", names.comment, destination(&backend.addr));
            (told(&to, with_comments), names.endpoint(&backend.addr))
        })
        .collect();
    let mut rules = Vec::with_capacity(backends.len());
    if let SessionAffinity::ClientIp(time) = affinity {
        let seconds = seconds(time);
        rules.extend(targets.iter().map(|(comment, chain)| {
            format!(
                "{comment}-m recent --name {chain} --rcheck --seconds {seconds} --reap -j {chain}"
            )
        }));
    }
    let weight = |backend: &Backend| u64::from(backend.weight.max(1));
    let mut left: u64 = backends.iter().map(weight).sum();
    for (place, (backend, (comment, chain))) in backends.iter().zip(&targets).enumerate() {
        let mut rule = comment.clone();
        if place + 1 < backends.len() {
            let share = probability(weight(backend), left);
            // Writing to a string can't fail.
            let _ = write!(
                rule,
                "-m statistic --mode random --probability {share:.10} "
            );
        }
        let _ = write!(rule, "-j {chain}");
        rules.push(rule);
        left -= weight(backend);
    }
    rules
}

/// A chain for each backend of the sets that are used: marks a backend that reaches itself, notes
/// the client where it shall stay, and translates the destination.
pub(crate) fn endpoint_chains(
    names: &PortNames,
    port: &PortPlan,
    sets: [&[Backend]; 2],
    with_comments: bool,
) -> Vec<OwnChain> {
    let addrs: BTreeSet<&EndpointAddr> = sets
        .into_iter()
        .flatten()
        .map(|backend| &backend.addr)
        .collect();
    let protocol = port.name.protocol.lower_name();
    let comment = told(&names.comment, with_comments);
    let chain_to = |addr: &EndpointAddr| {
        let name = names.endpoint(addr);
        let remember = match port.affinity {
            SessionAffinity::None => String::new(),
            SessionAffinity::ClientIp(_) => format!("-m recent --name {name} --set "),
        };
        OwnChain {
            rules: vec![
                format!("{comment}-s {} -j {MARK_MASQ}", addr.ip),
                format!(
                    "{comment}{remember}-m {protocol} -p {protocol} -j DNAT --to-destination {}",
                    destination(addr)
                ),
            ],
            name,
        }
    };
    addrs.into_iter().map(chain_to).collect()
}

/// A comment with a space behind it, or nothing.
fn told(text: &str, with_comments: bool) -> String {
    match with_comments {
        true => format!("{} ", comment(text)),
        false => String::new(),
    }
}

/// The kernel takes at least one second.
fn seconds(time: Duration) -> u64 {
    time.as_secs().clamp(1, u64::from(u32::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums of weights stay below 2^53, and ten digits are printed"
)]
fn probability(weight: u64, left: u64) -> f64 {
    weight as f64 / left as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tidegate_model::{Protocol, ServiceKey, ServicePortName};

    fn backends(weights: &[u32]) -> Vec<Backend> {
        let backend = |(index, weight): (usize, &u32)| Backend {
            addr: EndpointAddr {
                ip: [10, 0, 0, u8::try_from(index).expect("few")].into(),
                port: 80,
            },
            weight: *weight,
            local: false,
            draining: false,
        };
        weights.iter().enumerate().map(backend).collect()
    }

    fn names() -> PortNames {
        PortNames::of(&ServicePortName {
            service: ServiceKey::new("default", "web"),
            port: String::new(),
            protocol: Protocol::Tcp,
        })
    }

    /// What the rules say, as the kernel works them: a share of what is left, and the rest.
    fn shares(rules: &[String]) -> Vec<f64> {
        let mut left = 1.0;
        let shares = rules.iter().map(|rule| {
            let behind = rule.split("--probability ").nth(1);
            let share = behind.map_or(1.0, |text| {
                let number = text.split(' ').next().expect("a number");
                number.parse().expect("a number")
            });
            let taken: f64 = left * share;
            left -= taken;
            taken
        });
        shares.collect()
    }

    #[test]
    fn three_equal_backends_have_the_probabilities_that_everybody_knows() {
        let rules = choice(
            &names(),
            SessionAffinity::None,
            &backends(&[1, 1, 1]),
            false,
        );
        let starts: Vec<&str> = rules
            .iter()
            .map(|rule| rule.split(" -j").next().expect("a rule"))
            .collect();
        assert_eq!(
            starts[..2],
            [
                "-m statistic --mode random --probability 0.3333333333",
                "-m statistic --mode random --probability 0.5000000000",
            ]
        );
        assert!(rules[2].starts_with("-j KUBE-SEP-"));
    }

    proptest! {
        #[test]
        fn every_backend_gets_what_its_weight_says(weights in proptest::collection::vec(1..1000u32, 1..50)) {
            let rules = choice(&names(), SessionAffinity::None, &backends(&weights), true);
            let total: u32 = weights.iter().sum();
            for (share, weight) in shares(&rules).iter().zip(&weights) {
                let due = f64::from(*weight) / f64::from(total);
                prop_assert!((share - due).abs() < 1e-7, "{share} for {due}");
            }
        }
    }
}
