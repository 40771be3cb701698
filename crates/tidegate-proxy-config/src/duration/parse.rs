//! Reading durations as Go does.

use std::str::FromStr;

use super::{GoDuration, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

/// Why a text is no duration, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit, such as `30`.
    #[error(
        "time: missing unit in duration {text:?}: write it with ns, us, ms, s, m or h, as in 30s"
    )]
    MissingUnit {
        /// What was written.
        text: String,
    },
    /// A unit that Go doesn't have, such as `3d`.
    #[error("time: unknown unit {unit:?} in duration {text:?}: use ns, us, ms, s, m or h")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// What was written.
        text: String,
    },
    /// No duration at all, or one that is too long.
    #[error("time: invalid duration {text:?}: expected a number and a unit, as in 30s or 1m30s")]
    Invalid {
        /// What was written.
        text: String,
    },
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let invalid = || DurationError::Invalid {
            text: text.to_owned(),
        };
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        // More than 64 bits of nanoseconds are refused at every step, so this can't overflow.
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let (number, after) = split_while(rest, |c| c.is_ascii_digit() || c == '.');
            let (unit, after) = split_while(after, |c| !c.is_ascii_digit() && c != '.');
            if number.is_empty() {
                return Err(invalid());
            }
            if unit.is_empty() {
                return Err(DurationError::MissingUnit {
                    text: text.to_owned(),
                });
            }
            let of_unit = unit_nanoseconds(unit).ok_or_else(|| DurationError::UnknownUnit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            })?;
            total += scaled(number, of_unit).ok_or_else(invalid)?;
            if total > i128::from(i64::MAX) {
                return Err(invalid());
            }
            rest = after;
        }
        let signed = if negative { -total } else { total };
        i64::try_from(signed).map(Self).map_err(|_| invalid())
    }
}

fn split_while(text: &str, take: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !take(c)).unwrap_or(text.len()))
}

fn unit_nanoseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// A decimal number of units in nanoseconds; digits below a nanosecond are cut off.
fn scaled(number: &str, unit: u64) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i64 = match whole {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    // An hour has 13 digits of nanoseconds; more of the fraction than that changes nothing.
    let fraction = &fraction[..fraction.len().min(15)];
    let part: i128 = match fraction {
        "" => 0,
        digits => digits.parse::<i64>().ok()?.into(),
    };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    Some(i128::from(whole) * i128::from(unit) + part * i128::from(unit) / scale)
}
