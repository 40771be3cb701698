//! `transfer [ZONES...] { to ADDRESS... }`

use super::super::line::Directive;
use super::super::reader::Reader;
use crate::config::Transfer;
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Transfer, Problem> {
    let line = &directive.line;
    let mut transfer = Transfer {
        zones: reader.zones_or_block(line, &line.arguments)?,
        to: Vec::new(),
    };
    let before = reader.problems.len();
    reader.properties(directive, |line, _| match line.name.as_str() {
        "to" => {
            for word in line.some("ADDRESS...")? {
                transfer.to.push(line.parse(&word.text)?);
            }
            Ok(())
        }
        _ => Err(line.unknown(&["to"], &[])),
    });
    // Nobody is missing where an address couldn't be read.
    if reader.problems.len() == before {
        reader.check(directive, |report| transfer.check(report));
    }
    Ok(transfer)
}
