//! `cache [TTL] [ZONES...] { ... }`

use super::super::line::{Directive, Line};
use super::super::reader::Reader;
use crate::config::{Cache, CacheKind, Prefetch, RefreshMode, ServeStale};
use crate::problem::Problem;

const PROPERTIES: [&str; 7] = [
    "success",
    "denial",
    "prefetch",
    "serve_stale",
    "servfail",
    "disable",
    "keepttl",
];

pub(crate) fn read(directive: &Directive, reader: &mut Reader) -> Result<Cache, Problem> {
    let mut cache = Cache::default();
    let line = &directive.line;
    let mut words = line.arguments.as_slice();
    if let Some((first, zones)) = words.split_first()
        && let Ok(ttl) = first.text.parse::<i64>()
    {
        let ttl = u32::try_from(ttl).ok().filter(|ttl| *ttl > 0);
        let ttl = ttl.ok_or_else(|| {
            line.invalid(format!("a TTL of {} can't be; give 1 or more", first.text))
        })?;
        (cache.success.ttl, cache.denial.ttl) = (ttl, ttl);
        words = zones;
    }
    cache.zones = reader.zones_or_block(line, words)?;
    reader.properties(directive, |line, reader| {
        match line.name.as_str() {
            "success" => kind(line, &mut cache.success)?,
            "denial" => kind(line, &mut cache.denial)?,
            "prefetch" => cache.prefetch = prefetch(line)?,
            "serve_stale" => cache.serve_stale = Some(serve_stale(line)?),
            "servfail" => cache.servfail = line.duration(line.one("DURATION")?)?,
            "disable" => {
                let words = line.some("success|denial [ZONES...]")?;
                let which = [("success", true), ("denial", false)];
                let zones = if line.choice(&words[0].text, &which)? {
                    &mut cache.disable_success
                } else {
                    &mut cache.disable_denial
                };
                *zones = reader.zones_or_root(line, &words[1..])?;
            }
            "keepttl" => {
                line.no_arguments()?;
                cache.keep_ttl = true;
            }
            _ => return Err(line.unknown(&PROPERTIES, &[])),
        }
        Ok(())
    });
    reader.check(directive, |report| cache.check(report));
    Ok(cache)
}

/// `success|denial CAPACITY [TTL] [MINTTL]`
fn kind(line: &Line, kind: &mut CacheKind) -> Result<(), Problem> {
    let words = line.some("CAPACITY [TTL] [MINTTL]")?;
    line.at_most(3)?;
    let fields = [&mut kind.capacity, &mut kind.ttl, &mut kind.min_ttl];
    for (word, field) in words.iter().zip(fields) {
        *field = line.number(&word.text)?;
    }
    Ok(())
}

/// `prefetch AMOUNT [DURATION [PERCENTAGE%]]`; an amount of 0 is none.
fn prefetch(line: &Line) -> Result<Option<Prefetch>, Problem> {
    let words = line.some("AMOUNT [DURATION [PERCENTAGE%]]")?;
    line.at_most(3)?;
    let mut prefetch = Prefetch {
        amount: line.number(&words[0].text)?,
        ..Prefetch::default()
    };
    if let Some(word) = words.get(1) {
        prefetch.duration = line.duration(&word.text)?;
    }
    if let Some(word) = words.get(2) {
        let number = word.text.strip_suffix('%');
        prefetch.percentage = number.and_then(|n| n.parse().ok()).ok_or_else(|| {
            line.invalid(format!("{:?} is no percentage; write it as 10%", word.text))
        })?;
    }
    Ok(Some(prefetch).filter(|prefetch| prefetch.amount > 0))
}

/// `serve_stale [DURATION] [REFRESH_MODE]`
fn serve_stale(line: &Line) -> Result<ServeStale, Problem> {
    let words = line.at_most(2)?;
    let mut stale = ServeStale::default();
    if let Some(word) = words.first() {
        stale.duration = line.duration(&word.text)?;
    }
    if let Some(word) = words.get(1) {
        let modes = [
            ("immediate", RefreshMode::Immediate),
            ("verify", RefreshMode::Verify),
        ];
        stale.refresh = line.choice(&word.text.to_ascii_lowercase(), &modes)?;
    }
    Ok(stale)
}
