//! Our own YAML: `apiVersion: tidegate.dev/v1alpha1`, `kind: DnsConfiguration`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::{DnsConfig, NodeLocal, ServerBlock, TcpLimits};
use crate::corefile::{LARGEST_FILE, Parsed};
use crate::overlap;
use crate::problem::{MOST_PROBLEMS, Place, Problem, ProblemKind, Problems, Warning};

/// The version of our YAML.
pub const API_VERSION: &str = "tidegate.dev/v1alpha1";

/// Its kind.
pub const KIND: &str = "DnsConfiguration";

/// Deeper than any configuration, and no danger to the stack.
const DEEPEST: usize = 64;

/// Reads a configuration in YAML or JSON, strictly. `origin` is its name, as problems shall name
/// it where they are about all of it.
///
/// # Errors
/// It can't be read: then the first problem. Or its values can't be: then all.
pub fn parse_yaml(text: &str, origin: &str) -> Result<Parsed, Problems> {
    let of_file = |kind, text| Problem::new(Place::File(origin.to_owned()), kind, text);
    if text.len() > LARGEST_FILE {
        let text = format!(
            "{} bytes are more than the {LARGEST_FILE} that are read; make it smaller",
            text.len()
        );
        return Err(of_file(ProblemKind::TooLarge, text).into());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
        with_snippet: false,
    };
    let mut tree: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let text = error.without_snippet().to_string();
        let reason = text.lines().next().unwrap_or_default().trim();
        of_file(ProblemKind::Syntax, format!("not valid YAML: {reason}"))
    })?;
    take_type(&mut tree).map_err(|text| of_file(ProblemKind::Unknown, text))?;
    check(decode(tree, origin)?)
}

/// Checks what kind of object it is, and leaves the rest of the fields.
fn take_type(tree: &mut Value) -> Result<(), String> {
    let fields = tree.as_object_mut();
    let fields = fields.ok_or_else(|| format!("no object; begin with kind: {KIND}"))?;
    for (name, expected) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        match fields.remove(name) {
            Some(Value::String(text)) if text == expected => {}
            Some(other) => return Err(format!("{name} is {other}; expected {expected:?}")),
            None => return Err(format!("{name} is missing; write {name}: {expected}")),
        }
    }
    Ok(())
}

fn decode(tree: Value, origin: &str) -> Result<DnsConfig, Problem> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(tree, &mut track);
    DnsConfig::deserialize(tracked).map_err(|error| {
        let text = error.to_string();
        let unknown = text.starts_with("unknown field");
        let place = match track.path().to_string() {
            path if path == "." => Place::File(origin.to_owned()),
            path => Place::Field(path),
        };
        let kind = if unknown {
            ProblemKind::Unknown
        } else {
            ProblemKind::Invalid
        };
        Problem::new(place, kind, text)
    })
}

fn check(mut config: DnsConfig) -> Result<Parsed, Problems> {
    let mut problems = Vec::new();
    config.check_amounts(&mut |path, text| {
        push(&mut problems, path, ProblemKind::TooLarge, text);
    });
    Problems::unless_empty(std::mem::take(&mut problems))?;

    let servers = config.servers.into_iter();
    config.servers = servers.map(ServerBlock::normalized).collect();
    config.check(&mut |path, text| push(&mut problems, path, ProblemKind::Invalid, text));
    for overlap in overlap::overlaps(&config.servers) {
        let path = format!("servers[{}].zones[{}]", overlap.server, overlap.zone);
        push(&mut problems, &path, ProblemKind::Conflict, overlap.text);
    }
    Problems::unless_empty(problems)?;
    let mut warnings = Vec::new();
    for (index, server) in config.servers.iter().enumerate() {
        for (part, text) in server.warnings() {
            let place = Place::Field(format!("servers[{index}].{part}"));
            warnings.push(Warning { place, text });
        }
    }
    Ok(Parsed { config, warnings })
}

/// Notes a problem, if there aren't very many already.
fn push(problems: &mut Vec<Problem>, path: &str, kind: ProblemKind, text: String) {
    if problems.len() <= MOST_PROBLEMS {
        problems.push(Problem::new(Place::Field(path.to_owned()), kind, text));
    }
}

/// Writes a configuration in YAML; [`parse_yaml`] reads the same from it. The secrets of TSIG keys
/// are in it.
pub fn write_yaml(config: &DnsConfig) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Document<'a> {
        api_version: &'static str,
        kind: &'static str,
        servers: &'a [ServerBlock],
        #[serde(skip_serializing_if = "Option::is_none")]
        node_local: &'a Option<NodeLocal>,
        tcp: &'a TcpLimits,
        #[serde(skip_serializing_if = "Option::is_none")]
        udp_sockets: &'a Option<usize>,
    }
    let document = Document {
        api_version: API_VERSION,
        kind: KIND,
        servers: &config.servers,
        node_local: &config.node_local,
        tcp: &config.tcp,
        udp_sockets: &config.udp_sockets,
    };
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    serde_saphyr::to_string_with_options(&document, options)
        .expect("lists of texts and numbers can be written")
}
