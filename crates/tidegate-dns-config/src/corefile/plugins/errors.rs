//! `errors { consolidate DURATION REGEXP [LEVEL] [show_first] }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{Consolidate, Errors, LogLevel};
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Errors, Problem> {
    let mut errors = Errors::default();
    let line = &directive.line;
    if line.at_most(1)?.iter().any(|word| word.text != "stdout") {
        let text = format!(
            "{:?} is no place for errors; remove it",
            line.arguments[0].text
        );
        return Err(line.invalid(text));
    }
    reader.properties(directive, |line, reader| {
        match line.name.as_str() {
            "consolidate" => {
                reader.spend_patterns(line, 1)?;
                errors.consolidate.push(consolidate(line)?);
            }
            "stacktrace" | "panicRecoveryStacktrace" => {
                reader.warn(line, "there are no panics to trace; this changes nothing");
            }
            _ => return Err(line.unknown(&["consolidate", "stacktrace"], &[])),
        }
        Ok(())
    });
    reader.check(directive, |report| errors.check(report));
    Ok(errors)
}

fn consolidate(line: &Line) -> Result<Consolidate, Problem> {
    let words = line.at_most(4)?;
    let [period, pattern, options @ ..] = words else {
        let text = "arguments are missing; write consolidate DURATION REGEXP [LEVEL]";
        return Err(line.invalid(text));
    };
    let mut consolidate = Consolidate {
        period: line.duration(&period.text)?,
        pattern: pattern.text.clone(),
        ..Consolidate::default()
    };
    for option in options {
        if option.text == "show_first" {
            consolidate.show_first = true;
            continue;
        }
        let levels = [
            ("error", LogLevel::Error),
            ("warning", LogLevel::Warning),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
        ];
        consolidate.level = line.choice(&option.text, &levels)?;
    }
    Ok(consolidate)
}
