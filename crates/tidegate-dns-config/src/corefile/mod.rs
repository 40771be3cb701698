//! Reading a Corefile, CoreDNS's configuration.
//!
//! Words (`words`) are expanded (`environment`, `imports`), grouped to blocks, directives and
//! properties (`grammar`), and each directive is read by its plugin (`plugins`). Up to there the
//! first problem ends the reading; of the plugins' problems all are told.

mod block;
mod budget;
mod environment;
mod grammar;
mod imports;
mod line;
mod plugins;
mod reader;
mod words;

pub use budget::LARGEST_FILE;
pub use environment::{Env, NoEnv};
pub use imports::{ImportedFile, Imports, NoImports};
pub use plugins::SUPPORTED_PLUGINS;

use crate::config::DnsConfig;
use crate::overlap;
use crate::problem::{Place, Problem, ProblemKind, Problems, Warning};
use reader::Reader;

/// A Corefile that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// What it says.
    pub config: DnsConfig,
    /// What is worth a line in the log.
    pub warnings: Vec<Warning>,
}

/// Reads a Corefile. `origin` is its name, as problems shall name it.
///
/// # Errors
/// All that is wrong with it; only the first, where it can't be taken apart.
pub fn parse_corefile(
    text: &str,
    origin: &str,
    imports: &dyn Imports,
    env: &dyn Env,
) -> Result<Parsed, Problems> {
    let of_file = |kind, text: String| Problem {
        place: Place::File(origin.to_owned()),
        kind,
        text,
    };
    if text.len() > LARGEST_FILE {
        let text = format!(
            "{} bytes are more than the {LARGEST_FILE} that are read; make it smaller",
            text.len()
        );
        return Err(of_file(ProblemKind::TooLarge, text).into());
    }
    let mut expansion = imports::Expansion::new(imports, env);
    let words = expansion.of_file(text, origin)?;
    let blocks = grammar::blocks(words)?;

    let mut reader = Reader::new(expansion.warnings);
    let mut config = DnsConfig::default();
    let mut keys = Vec::new();
    for block in &blocks {
        let (server, places) = block::read(block, &mut reader);
        if !server.zones.is_empty() {
            config.servers.push(server);
            keys.push(places);
        }
    }
    if config.servers.is_empty() && reader.problems.is_empty() {
        let text = "there is no server block; write one, as in \". { forward . 10.0.0.1 }\"";
        return Err(of_file(ProblemKind::Syntax, text.to_owned()).into());
    }
    for overlap in overlap::overlaps(&config.servers) {
        let at = &keys[overlap.server][overlap.zone];
        reader.push(at.problem(ProblemKind::Conflict, overlap.text));
    }
    Problems::unless_empty(in_order(reader.problems))?;
    Ok(Parsed {
        config,
        warnings: reader.warnings,
    })
}

/// Puts problems in the order of their lines, unless they are in several files, which have none.
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let line = |problem: &Problem| match &problem.place {
        Place::Line { line, .. } => *line,
        Place::Field(_) | Place::File(_) => 0,
    };
    let file = |problem: &Problem| match &problem.place {
        Place::Line { file, .. } => file.clone(),
        other => other.to_string(),
    };
    let first = problems.first().map(file);
    if problems.iter().all(|problem| Some(file(problem)) == first) {
        problems.sort_by_key(line);
    }
    problems
}
