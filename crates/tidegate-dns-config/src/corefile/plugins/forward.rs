//! `forward FROM TO... { ... }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{Forward, HealthCheck, Policy, TlsFiles};
use crate::problem::Problem;
use crate::zone_name::ZoneName;

const PROPERTIES: [&str; 14] = [
    "except",
    "force_tcp",
    "prefer_udp",
    "expire",
    "max_idle_conns",
    "max_fails",
    "tls",
    "tls_servername",
    "policy",
    "health_check",
    "max_concurrent",
    "next",
    "failfast_all_unhealthy_upstreams",
    "failover",
];

const OF_COREDNS: [&str; 5] = [
    "doh_method",
    "max_age",
    "max_connect_attempts",
    "next_on_nodata",
    "resolver",
];

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Forward, Problem> {
    let line = &directive.line;
    let [from, to @ ..] = line.some("FROM TO...")? else {
        return Err(line.invalid("arguments are missing; write forward FROM TO..."));
    };
    let mut forward = Forward {
        from: domain(line, &from.text, reader)?,
        ..Forward::default()
    };
    for word in to {
        match line.parse(&word.text) {
            Ok(upstream) => forward.to.push(upstream),
            Err(problem) => reader.push(problem),
        }
    }
    reader.properties(directive, |line, reader| {
        property(line, &mut forward, reader)
    });
    if to.is_empty() || !forward.to.is_empty() {
        reader.check(directive, |report| forward.check(report));
    }
    Ok(forward)
}

/// A domain; of a range that is several zones only the first counts, as in CoreDNS.
fn domain(line: &Line, text: &str, reader: &mut Reader) -> Result<ZoneName, Problem> {
    let Ok(range) = text.parse() else {
        return line.parse(text);
    };
    let mut zones = ZoneName::of_range(range);
    if zones.len() > 1 {
        let text = format!(
            "the range {text} is {} zones; as in CoreDNS only {} counts",
            zones.len(),
            zones[0]
        );
        reader.warn(line, &text);
    }
    Ok(zones.swap_remove(0))
}

fn property(line: &Line, forward: &mut Forward, reader: &mut Reader) -> Result<(), Problem> {
    match line.name.as_str() {
        "except" => {
            let zones = reader.zones(line, line.some("NAME...")?)?;
            forward.except.extend(zones);
        }
        "force_tcp" => {
            line.no_arguments()?;
            forward.force_tcp = true;
        }
        "prefer_udp" => {
            line.no_arguments()?;
            forward.prefer_udp = true;
        }
        "expire" => forward.expire = line.duration(line.one("DURATION")?)?,
        "max_idle_conns" => forward.max_idle_conns = line.number(line.one("NUMBER")?)?,
        "max_fails" => forward.max_fails = line.number(line.one("NUMBER")?)?,
        "tls" => {
            let file = |index: usize| {
                let name = line.arguments.get(index)?.text.clone();
                Some(name).filter(|name| !name.is_empty())
            };
            forward.tls = Some(match line.at_most(3)?.len() {
                1 => TlsFiles {
                    authority: file(0),
                    ..TlsFiles::default()
                },
                _ => TlsFiles {
                    certificate: file(0),
                    key: file(1),
                    authority: file(2),
                },
            });
        }
        "tls_servername" => forward.tls_server_name = Some(line.one("NAME")?.to_owned()),
        "policy" => {
            let policies = [
                ("random", Policy::Random),
                ("round_robin", Policy::RoundRobin),
                ("sequential", Policy::Sequential),
            ];
            forward.policy = line.choice(line.one("random|round_robin|sequential")?, &policies)?;
        }
        "health_check" => forward.health_check = health_check(line)?,
        "max_concurrent" => {
            // 0 is CoreDNS's notation for any number.
            let most = line.number(line.one("NUMBER")?)?;
            forward.max_concurrent = Some(most).filter(|most| *most > 0);
        }
        "next" | "failover" => {
            let codes = if line.name == "next" {
                &mut forward.next
            } else {
                &mut forward.failover
            };
            for word in line.some("CODE...")? {
                codes.push(line.parse(&word.text)?);
            }
        }
        "failfast_all_unhealthy_upstreams" => {
            line.no_arguments()?;
            forward.failfast_all_unhealthy_upstreams = true;
        }
        _ => return Err(line.unknown(&PROPERTIES, &OF_COREDNS)),
    }
    Ok(())
}

/// `health_check DURATION [no_rec] [domain FQDN]`
fn health_check(line: &Line) -> Result<HealthCheck, Problem> {
    let words = line.some("DURATION [no_rec] [domain FQDN]")?;
    let mut check = HealthCheck {
        interval: line.duration(&words[0].text)?,
        ..HealthCheck::default()
    };
    let mut options = words[1..].iter();
    while let Some(option) = options.next() {
        match option.text.as_str() {
            "no_rec" => check.recursion_desired = false,
            "domain" => {
                let domain = options.next();
                let domain = domain.ok_or_else(|| {
                    line.invalid("the domain is missing; write it behind \"domain\"")
                })?;
                check.domain = line.parse(&domain.text)?;
            }
            other => {
                let text = format!("there is no option {other:?}; give no_rec or domain FQDN");
                return Err(line.invalid(text));
            }
        }
    }
    Ok(check)
}
