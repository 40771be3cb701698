//! Printing durations as Go does.

use std::fmt;

use super::{GoDuration, HOUR, MICROSECOND, MILLISECOND, MINUTE, SECOND};

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanoseconds = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        match nanoseconds {
            0 => return f.write_str("0s"),
            1..MICROSECOND => return write!(f, "{nanoseconds}ns"),
            MICROSECOND..MILLISECOND => {
                return write!(f, "{}\u{b5}s", Decimal(nanoseconds, MICROSECOND));
            }
            MILLISECOND..SECOND => return write!(f, "{}ms", Decimal(nanoseconds, MILLISECOND)),
            _ => {}
        }
        let (hours, minutes) = (nanoseconds / HOUR, nanoseconds % HOUR / MINUTE);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if nanoseconds >= MINUTE {
            write!(f, "{minutes}m")?;
        }
        write!(f, "{}s", Decimal(nanoseconds % MINUTE, SECOND))
    }
}

/// The first number in units of the second, a power of ten, without zeros at the end.
struct Decimal(u64, u64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = self;
        write!(f, "{}", value / unit)?;
        if value % unit == 0 {
            return Ok(());
        }
        // The unit's leading one keeps the zeros at the front.
        let digits = (unit + value % unit).to_string();
        write!(f, ".{}", digits[1..].trim_end_matches('0'))
    }
}
