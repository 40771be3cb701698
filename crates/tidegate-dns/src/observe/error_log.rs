//! Failures in the log (CoreDNS's `errors`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::Regex;
use tidegate_dns_config::{Errors, LogLevel};
use tokio::runtime::Handle;

/// Which failures of a server block go to the log one by one, and which together.
#[derive(Debug)]
pub(crate) struct ErrorLog {
    rules: Vec<Arc<Rule>>,
    runtime: Handle,
}

/// Failures of one kind, told together after some time.
#[derive(Debug)]
struct Rule {
    pattern: Regex,
    period: Duration,
    level: LogLevel,
    shows_first: bool,
    /// How many there were since they are counted; none while nobody counts.
    count: Mutex<u64>,
}

/// What is done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    /// It is told at once.
    Tell,
    /// It is the first of those that are told together.
    First,
    /// It is counted.
    Count,
}

impl ErrorLog {
    /// Reads the rules.
    ///
    /// # Errors
    /// A pattern can't be read.
    pub(crate) fn new(errors: &Errors, runtime: Handle) -> Result<Self, regex::Error> {
        let rules = errors.consolidate.iter().map(|rule| {
            Ok(Arc::new(Rule {
                pattern: Regex::new(&rule.pattern)?,
                period: rule.period,
                level: rule.level,
                shows_first: rule.show_first,
                count: Mutex::default(),
            }))
        });
        Ok(Self {
            rules: rules.collect::<Result<_, regex::Error>>()?,
            runtime,
        })
    }

    /// Tells of a failure, now or later.
    pub(crate) fn note(&self, text: &str) {
        let rule = self.rules.iter().find(|rule| rule.pattern.is_match(text));
        let heard = rule.map_or(Heard::Tell, |rule| rule.hear());
        if heard == Heard::Tell || heard == Heard::First && rule.is_some_and(|it| it.shows_first) {
            tracing::error!("{text}");
        }
        if let (Heard::First, Some(rule)) = (heard, rule) {
            let rule = Arc::clone(rule);
            self.runtime.spawn(async move {
                tokio::time::sleep(rule.period).await;
                rule.tell();
            });
        }
    }
}

impl Rule {
    fn hear(&self) -> Heard {
        let mut count = self.lock();
        *count += 1;
        match *count {
            1 => Heard::First,
            _ => Heard::Count,
        }
    }

    /// Tells how many there were, and begins anew.
    fn tell(&self) {
        let count = std::mem::take(&mut *self.lock());
        let (pattern, period) = (self.pattern.as_str(), self.period);
        // One that was told when it happened is no news.
        if count == 0 || count == 1 && self.shows_first {
            return;
        }
        let text = format!("{count} failures like {pattern:?} in the last {period:?}");
        match self.level {
            LogLevel::Error => tracing::error!("{text}"),
            LogLevel::Warning => tracing::warn!("{text}"),
            LogLevel::Info => tracing::info!("{text}"),
            LogLevel::Debug => tracing::debug!("{text}"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> Rule {
        Rule {
            pattern: Regex::new("timeout$").expect("a pattern"),
            period: Duration::from_secs(300),
            level: LogLevel::Warning,
            shows_first: true,
            count: Mutex::default(),
        }
    }

    #[test]
    fn failures_of_one_kind_are_counted_until_they_are_told() {
        let rule = rule();
        assert_eq!(rule.hear(), Heard::First);
        assert_eq!(rule.hear(), Heard::Count);
        assert_eq!(*rule.lock(), 2);
        rule.tell();
        assert_eq!(rule.hear(), Heard::First, "counting begins anew");
    }
}
