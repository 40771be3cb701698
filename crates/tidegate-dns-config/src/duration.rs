//! Durations in Go's notation, as `30s` or `1m30s`.

use std::fmt;
use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserializer, Serializer};
use tidegate_proxy_config::{DurationError, GoDuration};

/// Reads a duration.
///
/// # Errors
/// It is none, or negative; the text says which and what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text
        .parse()
        .map_err(|error: DurationError| without_package(&error))?;
    if duration.is_negative() {
        return Err(format!("{duration} is negative; give 0s or more"));
    }
    Ok(duration.get())
}

/// Go puts the name of its package before what it says.
fn without_package(error: &DurationError) -> String {
    let text = error.to_string();
    text.strip_prefix("time: ").unwrap_or(&text).to_owned()
}

/// Writes a duration; what has no notation (more than 292 years) becomes the longest that has.
pub(crate) fn print(duration: Duration) -> String {
    let nanoseconds = i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX);
    GoDuration::from_nanoseconds(nanoseconds).to_string()
}

pub(crate) fn serialize<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&print(*duration))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Duration, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = Duration;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a duration with its unit, as in \"30s\"")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            parse(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}
