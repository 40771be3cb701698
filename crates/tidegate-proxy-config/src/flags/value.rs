//! What flags take: the notations of Go's flag library.

use std::collections::BTreeMap;

use super::CommandLine;
use crate::address::{parse_ip, split_host_port};
use crate::{GoDuration, VerbosityOfFile};

/// What kind of value a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Any text.
    Text,
    /// `true` or `false` behind an equals sign; the flag alone means `true`. The next argument is
    /// never its value.
    Bool,
    /// A whole number.
    Number,
    /// A number.
    Decimal,
    /// A duration such as `30s`.
    Duration,
    /// Texts joined by commas; the flag can be repeated.
    List,
    /// An address.
    Address,
    /// An address, or address and port.
    AddressPort,
    /// Names and `true` or `false`, as in `A=true,B=false`; the flag can be repeated.
    BoolMap,
    /// Patterns and numbers, as in `proxy*=4,watch=2`; the flag can be repeated.
    Verbosities,
    /// As [`Bool`](Self::Bool), or `raw`.
    Version,
}

/// How a flag changes the command line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Setter {
    Text(fn(&mut CommandLine, String)),
    Bool(fn(&mut CommandLine, bool)),
    Number(fn(&mut CommandLine, i32)),
    Unsigned(fn(&mut CommandLine, u32)),
    Decimal(fn(&mut CommandLine, f64)),
    Duration(fn(&mut CommandLine, GoDuration)),
    List(fn(&mut CommandLine, Vec<String>)),
    Address(fn(&mut CommandLine, String)),
    AddressPort(fn(&mut CommandLine, String)),
    BoolMap(fn(&mut CommandLine, BTreeMap<String, bool>)),
    Verbosities(fn(&mut CommandLine, Vec<VerbosityOfFile>)),
    Version(fn(&mut CommandLine, String)),
}

impl Setter {
    pub(super) fn kind(self) -> FlagKind {
        match self {
            Self::Text(_) => FlagKind::Text,
            Self::Bool(_) => FlagKind::Bool,
            Self::Number(_) | Self::Unsigned(_) => FlagKind::Number,
            Self::Decimal(_) => FlagKind::Decimal,
            Self::Duration(_) => FlagKind::Duration,
            Self::List(_) => FlagKind::List,
            Self::Address(_) => FlagKind::Address,
            Self::AddressPort(_) => FlagKind::AddressPort,
            Self::BoolMap(_) => FlagKind::BoolMap,
            Self::Verbosities(_) => FlagKind::Verbosities,
            Self::Version(_) => FlagKind::Version,
        }
    }

    /// Reads the value and makes the change; or says what is wrong with it and changes nothing.
    pub(super) fn set(self, on: &mut CommandLine, value: &str) -> Result<(), String> {
        match self {
            Self::Text(set) => set(on, value.to_owned()),
            Self::Bool(set) => set(on, parse_bool(value)?),
            Self::Number(set) => set(on, parse_number(value)?),
            Self::Unsigned(set) => set(on, parse_number(value)?),
            Self::Decimal(set) => set(on, parse_decimal(value)?),
            Self::Duration(set) => set(on, parse_duration(value)?),
            Self::List(set) => set(on, items(value).map(str::to_owned).collect()),
            Self::Address(set) => set(on, checked_address(value)?),
            Self::AddressPort(set) => set(on, checked_address_port(value)?),
            Self::BoolMap(set) => set(on, parse_bool_map(value)?),
            Self::Verbosities(set) => set(on, parse_verbosities(value)?),
            Self::Version(set) => set(on, checked_version(value)?),
        }
        Ok(())
    }
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

fn parse_number<T: TryFrom<i64>>(text: &str) -> Result<T, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) if !digits.starts_with(['+', '-']) => i64::from_str_radix(digits, 16).ok(),
        _ => text.parse().ok(),
    };
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| "expected a whole number of at most 32 bits".to_owned())
}

fn parse_decimal(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number".to_owned())
}

fn parse_duration(text: &str) -> Result<GoDuration, String> {
    text.parse()
        .map_err(|error: crate::DurationError| error.to_string())
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// An empty address leaves the default.
fn checked_address(text: &str) -> Result<String, String> {
    if text.is_empty() || parse_ip(text).is_some() {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not a valid IP address"))
    }
}

fn checked_address_port(text: &str) -> Result<String, String> {
    if text.is_empty() || parse_ip(text).is_some() {
        return Ok(text.to_owned());
    }
    let Some((host, port)) = split_host_port(text) else {
        return Err(format!("{text:?} is not in a valid format (ip or ip:port)"));
    };
    if parse_ip(host).is_none() {
        return Err(format!("{host:?} is not a valid IP address"));
    }
    match port.parse::<u16>() {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(format!("{port:?} is not a valid port")),
    }
}

fn parse_bool_map(text: &str) -> Result<BTreeMap<String, bool>, String> {
    items(text)
        .map(|item| {
            let (name, value) = item
                .split_once('=')
                .ok_or_else(|| "malformed pair, expect string=bool".to_owned())?;
            let value = parse_bool(value.trim())
                .map_err(|reason| format!("invalid value of {}: {reason}", name.trim()))?;
            Ok((name.trim().to_owned(), value))
        })
        .collect()
}

fn parse_verbosities(text: &str) -> Result<Vec<VerbosityOfFile>, String> {
    items(text)
        .map(|item| {
            let (pattern, verbosity) = item
                .split_once('=')
                .filter(|(pattern, _)| !pattern.is_empty())
                .ok_or_else(|| format!("{item:?} does not have the pattern=N format"))?;
            let verbosity = verbosity
                .parse()
                .map_err(|_| format!("{verbosity:?} in {item:?} is not a number"))?;
            Ok(VerbosityOfFile {
                file_pattern: pattern.to_owned(),
                verbosity,
            })
        })
        .collect()
}

fn checked_version(text: &str) -> Result<String, String> {
    if text == "raw" {
        return Ok(text.to_owned());
    }
    match parse_bool(text) {
        Ok(value) => Ok(value.to_string()),
        Err(_) => Err("expected true, false or raw".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_and_numbers_read_as_in_go() {
        assert_eq!((parse_bool("T"), parse_bool("0")), (Ok(true), Ok(false)));
        assert!(parse_bool("yes").is_err());
        assert_eq!(parse_number::<i32>("0x1F"), Ok(31));
        assert_eq!(parse_number::<i32>("-999"), Ok(-999));
        assert!(parse_number::<i32>("2147483648").is_err());
        assert!(parse_number::<u32>("-1").is_err());
        assert!(parse_decimal("inf").is_err());
    }

    #[test]
    fn addresses_may_come_without_a_port() {
        for right in ["", "::", "10.0.0.1", "10.0.0.1:0", "[::1]:10249"] {
            assert_eq!(checked_address_port(right).as_deref(), Ok(right));
        }
        for wrong in [
            "here",
            "here:80",
            "10.0.0.1:http",
            "::1]:80",
            "10.0.0.1:70000",
        ] {
            assert!(checked_address_port(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn maps_are_pairs_joined_by_commas() {
        let gates = parse_bool_map("A=true, B=false,").expect("is a map");
        assert_eq!(
            gates.into_iter().collect::<Vec<_>>(),
            [("A".into(), true), ("B".into(), false)]
        );
        assert!(parse_bool_map("A").is_err());
        assert_eq!(
            parse_bool_map("A=on").expect_err("is no boolean"),
            "invalid value of A: expected true or false"
        );
        let files = parse_verbosities("proxy*=4,watch=2").expect("is a list");
        assert_eq!((files.len(), files[0].verbosity), (2, 4));
        assert!(parse_verbosities("=4").is_err());
    }
}
