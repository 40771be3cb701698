//! A server block: its zones, and its directives by their plugins.

use std::collections::HashMap;

use super::grammar::Block;
use super::line::Directive;
use super::plugins;
use super::reader::Reader;
use super::words::{At, Word};
use crate::config::{LoadBalance, ServedZone, ServerBlock, split_port};
use crate::problem::{Problem, ProblemKind};
use crate::zone_name::{InvalidZoneName, ZoneName};

/// The schemes of CoreDNS that we don't serve.
const OTHER_TRANSPORTS: [&str; 6] = ["tls", "grpc", "https", "https3", "quic", "unix"];

/// Plugins that may be there more than once.
const REPEATABLE: [&str; 5] = ["bind", "forward", "log", "rewrite", "transfer"];

/// Reads a block; gives also the place of each zone. What can't be read is left out, and noted.
pub(super) fn read(block: &Block, reader: &mut Reader) -> (ServerBlock, Vec<At>) {
    let mut server = ServerBlock::default();
    let mut places = Vec::new();
    for key in &block.keys {
        match served_zones(key, reader) {
            Ok(zones) => {
                places.extend(zones.iter().map(|_| key.at.clone()));
                server.zones.extend(zones);
            }
            Err(problem) => reader.push(problem),
        }
    }
    reader.block_zones = server.zone_names();
    let mut lines: HashMap<&str, &Directive> = HashMap::new();
    let mut is_whole = true;
    for directive in &block.directives {
        let name = directive.line.name.as_str();
        let first = *lines.entry(name).or_insert(directive);
        if !std::ptr::eq(first, directive) && !REPEATABLE.contains(&name) {
            reader.push(directive.line.problem(
                ProblemKind::Conflict,
                format!(
                    "is there already, in {}; a server block may have it once",
                    first.line.at.place()
                ),
            ));
        } else if let Err(problem) = read_directive(directive, &mut server, reader) {
            reader.push(problem);
            is_whole = false;
        }
    }
    // What couldn't be read would be missed.
    server.check_parts(&mut |part, text| {
        if let Some(directive) = lines.get(part).filter(|_| is_whole) {
            reader.push(directive.line.problem(ProblemKind::Conflict, text));
        }
    });
    for (part, text) in server.warnings() {
        if let Some(directive) = lines.get(part) {
            reader.warn(&directive.line, &text);
        }
    }
    (server, places)
}

/// A zone with its port, or a range with its port as the reverse zones that it is.
fn served_zones(key: &Word, reader: &mut Reader) -> Result<Vec<ServedZone>, Problem> {
    let text = match key.text.split_once("://") {
        None => key.text.as_str(),
        Some(("dns", rest)) => rest,
        Some((scheme, _)) if OTHER_TRANSPORTS.contains(&scheme) => {
            let text = format!("a server block for {scheme}:// is not supported; serve plain DNS");
            return Err(key.at.problem(ProblemKind::Unsupported, text));
        }
        Some(_) => {
            let text = format!("{:?} is no zone; write it without \"://\"", key.text);
            return Err(key.at.problem(ProblemKind::Invalid, text));
        }
    };
    let invalid = |problem: InvalidZoneName| {
        let text = format!("a server block's zone: {problem}");
        key.at.problem(ProblemKind::Invalid, text)
    };
    let (name, port) = split_port(text).map_err(invalid)?;
    let names = match name.parse() {
        Ok(range) => ZoneName::of_range(range),
        Err(_) => vec![name.parse().map_err(invalid)?],
    };
    reader.spend_zones(key, names.len())?;
    let zones = names.into_iter().map(ServedZone::new);
    Ok(zones
        .map(|zone| ServedZone {
            port: port.unwrap_or(zone.port),
            ..zone
        })
        .collect())
}

fn read_directive(
    directive: &Directive,
    server: &mut ServerBlock,
    reader: &mut Reader,
) -> Result<(), Problem> {
    let line = &directive.line;
    match line.name.as_str() {
        "autopath" => server.autopath = Some(plugins::autopath::read(directive, reader)?),
        "bind" => server.bind.push(plugins::bind::read(directive, reader)?),
        "cache" => server.cache = Some(plugins::cache::read(directive, reader)?),
        "errors" => server.errors = Some(plugins::errors::read(directive, reader)?),
        "forward" => (server.forward).push(plugins::forward::read(directive, reader)?),
        "health" => server.health = Some(plugins::probes::health(directive, reader)?),
        "hosts" => server.hosts = Some(plugins::hosts::read(directive, reader)?),
        "kubernetes" => server.kubernetes = Some(plugins::kubernetes::read(directive, reader)?),
        "loadbalance" => server.loadbalance = Some(loadbalance(directive, reader)?),
        "log" => server.log.push(plugins::log::read(directive, reader)?),
        "loop" => {
            line.no_arguments()?;
            reader.no_properties(directive, &[]);
            server.loop_check = true;
        }
        "prometheus" => server.prometheus = Some(plugins::probes::prometheus(directive, reader)?),
        "ready" => server.ready = Some(plugins::probes::ready(directive, reader)?),
        "reload" => server.reload = Some(plugins::probes::reload(directive, reader)?),
        "rewrite" => (server.rewrite).push(plugins::rewrite::read(directive, reader)?),
        "transfer" => (server.transfer).push(plugins::transfer::read(directive, reader)?),
        "tsig" => server.tsig = Some(plugins::tsig::read(directive, reader)?),
        _ => return Err(plugins::unknown(line)),
    }
    Ok(())
}

fn loadbalance(directive: &Directive, reader: &mut Reader) -> Result<LoadBalance, Problem> {
    let line = &directive.line;
    match line.arguments.first().map(|policy| policy.text.as_str()) {
        None | Some("round_robin") => {
            line.at_most(1)?;
            reader.no_properties(directive, &["prefer"]);
            Ok(LoadBalance::RoundRobin)
        }
        Some("weighted") => {
            let text = "the policy weighted is not supported; use round_robin";
            Err(line.unsupported(text))
        }
        Some(other) => Err(line.invalid(format!("{other:?} can't be; give round_robin"))),
    }
}
