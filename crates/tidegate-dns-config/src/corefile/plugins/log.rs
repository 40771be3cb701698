//! `log [NAMES...] [FORMAT] { class CLASSES... }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{Log, LogClass, LogFormat};
use crate::problem::Problem;

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Log, Problem> {
    let mut log = Log::default();
    let line = &directive.line;
    let mut names = line.arguments.as_slice();
    if let Some((last, before)) = names.split_last()
        && last.text.contains('{')
    {
        log.format = format(line, &last.text)?;
        names = before;
    }
    log.names = reader.zones_or_root(line, names)?;
    let mut classes = Vec::new();
    reader.properties(directive, |line, _| match line.name.as_str() {
        "class" => {
            for word in line.some("CLASS...")? {
                classes.push(line.choice(
                    &word.text,
                    &[
                        ("all", LogClass::All),
                        ("success", LogClass::Success),
                        ("denial", LogClass::Denial),
                        ("error", LogClass::Error),
                    ],
                )?);
            }
            Ok(())
        }
        _ => Err(line.unknown(&["class"], &["minDuration"])),
    });
    if !classes.is_empty() {
        log.classes = classes;
    }
    Ok(log)
}

fn format(line: &Line, text: &str) -> Result<LogFormat, Problem> {
    match text {
        "{common}" => Ok(LogFormat::Common),
        "{combined}" => Ok(LogFormat::Combined),
        _ => Err(line.unsupported(format!(
            "the format {text:?} is not supported; use {{common}} or {{combined}}"
        ))),
    }
}
