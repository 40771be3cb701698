//! `hosts [FILE [ZONES...]] { ... }`

use std::net::IpAddr;

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{HostEntry, Hosts};
use crate::problem::Problem;

const PROPERTIES: [&str; 6] = [
    "an address with names",
    "ttl",
    "no_reverse",
    "reload",
    "fallthrough",
    "fallthrough_unsupported",
];

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Hosts, Problem> {
    let mut hosts = Hosts::default();
    let line = &directive.line;
    let zones = match line.arguments.split_first() {
        None => &[],
        Some((file, zones)) => {
            hosts.file.clone_from(&file.text);
            zones
        }
    };
    hosts.zones = reader.zones_or_block(line, zones)?;
    reader.properties(directive, |line, reader| property(line, &mut hosts, reader));
    reader.check(directive, |report| hosts.check(report));
    Ok(hosts)
}

fn property(line: &Line, hosts: &mut Hosts, reader: &mut Reader) -> Result<(), Problem> {
    match line.name.as_str() {
        "ttl" => hosts.ttl = line.number(line.one("SECONDS")?)?,
        "no_reverse" => {
            line.no_arguments()?;
            hosts.reverse = false;
        }
        "reload" => hosts.reload = line.duration(line.one("DURATION")?)?,
        "fallthrough" => hosts.fallthrough = reader.zones_or_root(line, &line.arguments)?,
        "fallthrough_unsupported" => {
            line.no_arguments()?;
            hosts.fallthrough_unsupported = true;
        }
        other => {
            let Ok(address) = other.parse::<IpAddr>() else {
                return Err(line.unknown(&PROPERTIES, &[]));
            };
            if !hosts.fallthrough.is_empty() {
                let text = "stands behind fallthrough, which ends the entries; put it before";
                return Err(line.invalid(text));
            }
            let mut names = Vec::new();
            for word in line.some("NAME...")? {
                names.push(line.parse(&word.text)?);
            }
            hosts.entries.push(HostEntry { address, names });
        }
    }
    Ok(())
}
