//! `health`, `ready`, `prometheus` and `reload`.

use super::super::line::Directive;
use super::super::reader::Reader;
use crate::config::{Health, ListenAddress, Metrics, Ready, ReadyMonitor, Reload};
use crate::problem::Problem;

/// `health [ADDRESS] { lameduck DURATION }`
pub(crate) fn health(directive: &Directive, reader: &mut Reader) -> Result<Health, Problem> {
    let mut health = Health::default();
    listen(directive, &mut health.address)?;
    reader.properties(directive, |line, _| match line.name.as_str() {
        "lameduck" => {
            health.lameduck = line.duration(line.one("DURATION")?)?;
            Ok(())
        }
        _ => Err(line.unknown(&["lameduck"], &[])),
    });
    Ok(health)
}

/// `ready [ADDRESS] { monitor until-ready|continuously }`
pub(crate) fn ready(directive: &Directive, reader: &mut Reader) -> Result<Ready, Problem> {
    let mut ready = Ready::default();
    listen(directive, &mut ready.address)?;
    reader.properties(directive, |line, _| match line.name.as_str() {
        "monitor" => {
            let monitors = [
                ("until-ready", ReadyMonitor::UntilReady),
                ("continuously", ReadyMonitor::Continuously),
            ];
            ready.monitor = line.choice(line.one("until-ready|continuously")?, &monitors)?;
            Ok(())
        }
        _ => Err(line.unknown(&["monitor"], &[])),
    });
    Ok(ready)
}

/// `prometheus [ADDRESS]`
pub(crate) fn prometheus(directive: &Directive, reader: &mut Reader) -> Result<Metrics, Problem> {
    let mut metrics = Metrics::default();
    listen(directive, &mut metrics.address)?;
    reader.no_properties(directive, &["tls"]);
    Ok(metrics)
}

fn listen(directive: &Directive, address: &mut ListenAddress) -> Result<(), Problem> {
    if let Some(word) = directive.line.at_most(1)?.first() {
        *address = directive.line.parse(&word.text)?;
    }
    Ok(())
}

/// `reload [INTERVAL] [JITTER]`
pub(crate) fn reload(directive: &Directive, reader: &mut Reader) -> Result<Reload, Problem> {
    let mut reload = Reload::default();
    let line = &directive.line;
    let fields = [&mut reload.interval, &mut reload.jitter];
    for (word, field) in line.at_most(2)?.iter().zip(fields) {
        *field = line.duration(&word.text)?;
    }
    reader.no_properties(directive, &[]);
    reader.check(directive, |report| reload.check(report));
    Ok(reload.with_bounded_jitter())
}
