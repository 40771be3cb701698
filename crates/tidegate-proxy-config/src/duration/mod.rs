//! Durations in Go's notation.

mod parse;
mod print;

use std::fmt;
use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use parse::DurationError;

/// A duration as Go writes and reads it: `30s`, `1m0s`, `-1.5h`, `250ms`.
///
/// It is signed because files can say `-1s`, which validation then refuses by name. Of nanosecond
/// resolution, up to some 292 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(i64);

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

impl GoDuration {
    /// No time at all, which stands for "not set" in files.
    pub const ZERO: Self = Self(0);

    /// So many nanoseconds.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// So many seconds.
    pub const fn from_seconds(seconds: i32) -> Self {
        Self(seconds as i64 * SECOND as i64)
    }

    /// Whether it is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is less than no time.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// As the standard library has it; what is negative becomes zero.
    pub fn get(self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }

    /// The same, with `None` for what is zero or negative: in upstream's fields for the kernel's
    /// time-outs that means to leave what is there.
    pub fn if_positive(self) -> Option<Duration> {
        (self.0 > 0).then(|| self.get())
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = GoDuration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit, as in \"30s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_and_print_as_in_go() {
        let cases = [
            ("0", "0s"),
            ("0s", "0s"),
            ("30s", "30s"),
            ("1m", "1m0s"),
            ("60m", "1h0m0s"),
            ("24h", "24h0m0s"),
            ("2h22m", "2h22m0s"),
            ("1.5h", "1h30m0s"),
            ("-1.5s", "-1.5s"),
            ("+5s", "5s"),
            ("250ms", "250ms"),
            ("1.25ms", "1.25ms"),
            ("1us", "1\u{b5}s"),
            ("1\u{3bc}s500ns", "1.5\u{b5}s"),
            ("999ns", "999ns"),
            (".5s", "500ms"),
            ("5.s", "5s"),
            ("1h0.000000001s", "1h0m0.000000001s"),
            ("0.1000000000000000000000000h", "6m0s"),
            ("2562047h47m16.854775807s", "2562047h47m16.854775807s"),
        ];
        for (text, printed) in cases {
            let duration: GoDuration = text.parse().expect(text);
            assert_eq!(duration.to_string(), printed, "{text}");
            assert_eq!(printed.parse(), Ok(duration), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_named() {
        let reason = |text: &str| {
            text.parse::<GoDuration>()
                .expect_err(text)
                .to_string()
                .split_once(": ")
                .and_then(|(_, rest)| Some(rest.split_once(':')?.0.to_owned()))
                .expect("has two parts")
        };
        assert_eq!(reason("30"), r#"missing unit in duration "30""#);
        assert_eq!(reason("3d"), r#"unknown unit "d" in duration "3d""#);
        for invalid in [
            "",
            "-",
            "s",
            ".s",
            "1.2.3s",
            "soon",
            "2562047h48m",
            "9999999999999999h",
        ] {
            assert_eq!(
                reason(invalid),
                format!("invalid duration {invalid:?}"),
                "{invalid}"
            );
        }
    }
}
