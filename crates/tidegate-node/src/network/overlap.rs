//! Refuses address ranges that would hide a part of the host's own network. Pure.

use ipnet::IpNet;
use thiserror::Error;

use super::ranges::Range;

/// A range that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    /// The range is taken on this machine.
    #[error(
        "the {purpose} range {range} overlaps {taken}, which is {kind} of this machine; \
         choose another range with {flag}"
    )]
    TakenByHost {
        /// `pod` or `service`.
        purpose: &'static str,
        /// What was configured.
        range: IpNet,
        /// What the machine has.
        taken: IpNet,
        /// `an address` or `a route`.
        kind: &'static str,
        /// The flag that changes the range.
        flag: &'static str,
    },
    /// Two configured ranges overlap.
    #[error(
        "the ranges {first} and {second} overlap; \
         change one of them with --pod-cidr or --service-cidr"
    )]
    EachOther {
        /// One range.
        first: IpNet,
        /// The other.
        second: IpNet,
    },
    /// A pod range has no room for the gateway and one pod.
    #[error("the pod range {range} is too small; choose a larger one with --pod-cidr")]
    TooSmall {
        /// What was configured.
        range: IpNet,
    },
}

/// Compares the configured ranges with each other and with what the host has.
pub(crate) fn check(pods: &[IpNet], services: &[IpNet], host: &[Range]) -> Result<(), RangeError> {
    let pods = pods.iter().map(|net| ("pod", "--pod-cidr", *net));
    let services = services
        .iter()
        .map(|net| ("service", "--service-cidr", *net));
    let configured: Vec<_> = pods.chain(services).collect();
    for (position, (purpose, flag, range)) in configured.iter().enumerate() {
        if let Some((_, _, other)) = configured[..position]
            .iter()
            .find(|(_, _, other)| overlap(*other, *range))
        {
            return Err(RangeError::EachOther {
                first: *other,
                second: *range,
            });
        }
        if let Some(taken) = host.iter().find(|taken| overlap(taken.net, *range)) {
            return Err(RangeError::TakenByHost {
                purpose,
                range: *range,
                taken: taken.net,
                kind: if taken.is_address {
                    "an address"
                } else {
                    "a route"
                },
                flag,
            });
        }
    }
    Ok(())
}

/// Two ranges overlap exactly when one contains the other.
fn overlap(one: IpNet, other: IpNet) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().expect("a valid range")
    }

    fn host(text: &str, is_address: bool) -> Range {
        Range {
            net: net(text),
            link: 2,
            is_address,
        }
    }

    #[test]
    fn an_ordinary_host_is_no_obstacle() {
        let host = [
            host("127.0.0.1/8", true),
            host("192.168.1.5/24", true),
            host("fe80::1/64", true),
        ];
        let services = [net("10.96.0.0/16"), net("fd00:96::/112")];
        assert_eq!(
            check(
                &[net("10.244.0.0/24"), net("fd00:244::/64")],
                &services,
                &host
            ),
            Ok(())
        );
    }

    #[test]
    fn both_ranges_and_the_flag_are_named() {
        let error = check(
            &[net("10.244.0.0/24")],
            &[net("10.96.0.0/16")],
            &[host("10.96.7.0/24", false)],
        )
        .expect_err("overlaps");
        assert_eq!(
            error.to_string(),
            "the service range 10.96.0.0/16 overlaps 10.96.7.0/24, which is a route of this machine; \
             choose another range with --service-cidr"
        );
        let error =
            check(&[net("10.244.0.0/24")], &[], &[host("10.1.2.3/8", true)]).expect_err("overlaps");
        assert!(
            error
                .to_string()
                .contains("10.1.2.3/8, which is an address"),
            "{error}"
        );
        assert!(error.to_string().contains("--pod-cidr"), "{error}");
    }

    #[test]
    fn pods_and_services_may_not_share_a_range() {
        let error =
            check(&[net("10.96.4.0/24")], &[net("10.96.0.0/16")], &[]).expect_err("overlaps");
        assert!(matches!(error, RangeError::EachOther { .. }));
    }
}
