//! `autopath [ZONES...] @kubernetes|RESOLV-CONF`

use super::super::line::Directive;
use super::super::reader::Reader;
use crate::config::{Autopath, AutopathSearch};
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Autopath, Problem> {
    let line = &directive.line;
    let words = line.some("[ZONES...] @kubernetes")?;
    let (source, zones) = words.split_last().unwrap_or((&words[0], &[]));
    let search = match source.text.strip_prefix('@') {
        Some("kubernetes") => AutopathSearch::Kubernetes,
        Some(other) => {
            let text = format!("a search path from {other:?} is not supported; use @kubernetes");
            return Err(line.unsupported(text));
        }
        None if source.text.contains('/') => AutopathSearch::ResolvConf(source.text.clone()),
        None => {
            let text = format!(
                "{:?} is neither @kubernetes nor a file; name one behind the zones",
                source.text
            );
            return Err(line.invalid(text));
        }
    };
    let zones = reader.zones_or_block(line, zones)?;
    reader.no_properties(directive, &[]);
    Ok(Autopath { zones, search })
}
