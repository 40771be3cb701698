//! `bind ADDRESS|INTERFACE... { except ADDRESS|INTERFACE... }`

use std::convert::Infallible;

use super::super::line::Directive;
use super::super::reader::Reader;
use super::super::words::Word;
use crate::config::{Bind, BindTo};
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Bind, Problem> {
    let mut bind = Bind {
        to: addresses(directive.line.some("ADDRESS...")?),
        except: Vec::new(),
    };
    reader.properties(directive, |line, _| match line.name.as_str() {
        "except" => {
            bind.except.extend(addresses(line.some("ADDRESS...")?));
            Ok(())
        }
        _ => Err(line.unknown(&["except"], &[])),
    });
    reader.check(directive, |report| bind.check(report));
    Ok(bind)
}

fn addresses(words: &[Word]) -> Vec<BindTo> {
    let address = |word: &Word| match word.text.parse::<BindTo>() {
        Ok(address) => address,
        Err::<_, Infallible>(never) => match never {},
    };
    words.iter().map(address).collect()
}
