//! Domains that settings name.

use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinEncodable;

/// A domain: its own name and all below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ZoneName {
    /// As in [`Question::name`](crate::Question::name).
    wire: Box<[u8]>,
}

/// Why a text is no domain name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no domain name ({reason}): write it like example.org")]
pub struct InvalidZoneName {
    text: String,
    reason: String,
}

/// Whether one of `zones` has this name (as in [`Question::name`](crate::Question::name)): what
/// `except` of a `forward` asks, for instance. Nothing is allocated.
pub fn excepts(zones: &[ZoneName], name: &[u8]) -> bool {
    zones.iter().any(|zone| zone.contains(name))
}

impl ZoneName {
    /// The domain that has every name.
    pub fn root() -> Self {
        Self {
            wire: Box::new([0]),
        }
    }

    /// Whether a name (as in [`Question::name`](crate::Question::name)) is this one or below it.
    pub fn contains(&self, name: &[u8]) -> bool {
        let mut rest = name;
        while rest.len() > self.wire.len() {
            match rest.get(usize::from(rest[0]) + 1..) {
                Some(parent) => rest = parent,
                None => return false,
            }
        }
        *rest == *self.wire
    }

    /// The name in wire form.
    pub(crate) fn as_wire(&self) -> &[u8] {
        &self.wire
    }
}

impl FromStr for ZoneName {
    type Err = InvalidZoneName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason: String| InvalidZoneName {
            text: text.to_owned(),
            reason,
        };
        if text.is_empty() {
            return Err(invalid("it is empty".to_owned()));
        }
        let mut name = Name::from_ascii(text).map_err(|error| invalid(error.to_string()))?;
        name.set_fqdn(true);
        let wire = name
            .to_lowercase()
            .to_bytes()
            .map_err(|error| invalid(error.to_string()))?;
        Ok(Self { wire: wire.into() })
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &*self.wire;
        while let Some((length @ 1..=63, after)) = rest.split_first() {
            let (label, next) = after.split_at(usize::from(*length));
            write!(formatter, "{}.", label.escape_ascii())?;
            rest = next;
        }
        if self.wire.len() == 1 {
            formatter.write_str(".")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{ZoneName, excepts};

    fn wire(text: &str) -> Box<[u8]> {
        text.parse::<ZoneName>().expect("a name").wire
    }

    #[test]
    fn a_zone_has_its_own_name_and_those_below_it() {
        let zones = ["Example.ORG".parse().expect("a zone")];
        for name in ["example.org", "www.example.org.", "a.b.example.org"] {
            assert!(excepts(&zones, &wire(name)), "{name}");
        }
        for name in [
            "org",
            ".",
            "badexample.org",
            "example.org.net",
            "example.com",
        ] {
            assert!(!excepts(&zones, &wire(name)), "{name}");
        }
        assert!(excepts(&[ZoneName::root()], &wire("anything.at.all")));
        assert!(!excepts(&[], &wire("example.org")));
    }

    #[test]
    fn a_name_that_is_none_belongs_nowhere() {
        let zones = ["example.org".parse().expect("a zone")];
        assert!(!excepts(&zones, b"\x3f\x07example\x03org\0"));
        assert!(!excepts(&zones, b""));
    }

    #[test]
    fn what_is_no_name_is_refused_and_what_is_one_reads_back() {
        let long = "a".repeat(64);
        for text in ["", "a..b", &long] {
            assert!(text.parse::<ZoneName>().is_err(), "{text:?}");
        }
        let zone: ZoneName = "Sub.Example.org".parse().expect("a zone");
        assert_eq!(zone.to_string(), "sub.example.org.");
        assert_eq!(ZoneName::root().to_string(), ".");
    }
}
