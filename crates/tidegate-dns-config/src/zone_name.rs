//! Names of zones.

use std::fmt::{self, Write};
use std::str::FromStr;

use ipnet::IpNet;

use crate::text_form::text_form;

/// The longest label, in bytes (RFC 1035, 2.3.4).
const LONGEST_LABEL: usize = 63;

/// The longest name, in bytes on the wire (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 255;

/// The name of a zone: absolute and in small letters, as in `cluster.local.`.
///
/// A byte of a label that isn't a letter, a digit, `-`, `_` or `*` is written as `\` and its three
/// decimal digits, so that two names are equal when their texts are and every dot ends a label.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ZoneName(pub(crate) String);

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidZoneName {
    /// There is nothing.
    #[error("the empty text is no name; write \".\" for the root")]
    Empty,
    /// Two dots in a row, or one at the front.
    #[error("{0:?} is no name: it has two dots in a row or one at the front; remove it")]
    EmptyLabel(String),
    /// A label has more bytes than can be.
    #[error("{0:?} is no name: a label is longer than {LONGEST_LABEL} bytes; shorten it")]
    LongLabel(String),
    /// The name has more bytes than can be.
    #[error("a name that begins with {0:?} is longer than {LONGEST_NAME} bytes; shorten it")]
    TooLong(String),
    /// A character that has no place in a name unless it is escaped.
    #[error(
        "{text:?} is no name: it has {character:?}; remove it (international names begin with \
         \"xn--\")"
    )]
    Character {
        /// The text.
        text: String,
        /// What it has.
        character: char,
    },
    /// A slash where only a range has one, and it is no range.
    #[error("{0:?} is neither a name nor a range; correct what is behind the \"/\"")]
    Range(String),
    /// Behind the colon is no port.
    #[error("{0:?} has no port behind its colon; give a number up to 65535")]
    Port(String),
    /// A backslash without a character or three digits up to 255 behind it.
    #[error("{0:?} is no name: a \"\\\" needs a character or three digits up to 255 behind it")]
    Escape(String),
    /// A range that is no zone, because it is several.
    #[error("the range {range} is {count} zones, the first is {first:?}; list them")]
    SeveralZones {
        /// The range.
        range: IpNet,
        /// How many zones it is.
        count: usize,
        /// One of them.
        first: ZoneName,
    },
}

impl ZoneName {
    /// The root, which everything is in.
    pub fn root() -> Self {
        Self(".".to_owned())
    }

    /// Whether it is the root.
    pub fn is_root(&self) -> bool {
        self.0 == "."
    }

    /// The name with its dot at the end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is for addresses instead of names: `in-addr.arpa.`, `ip6.arpa.`, or below.
    pub fn is_reverse(&self) -> bool {
        ["in-addr.arpa.", "ip6.arpa."]
            .iter()
            .any(|tree| Self((*tree).to_owned()).contains(self))
    }

    /// Whether the other name is this one or below it.
    pub fn contains(&self, other: &Self) -> bool {
        self.is_root()
            || other.0 == self.0
            || (other.0.strip_suffix(&self.0)).is_some_and(|above| above.ends_with('.'))
    }
}

impl FromStr for ZoneName {
    type Err = InvalidZoneName;

    /// Reads a name, with or without a dot at its end, or a range that is one reverse zone.
    fn from_str(text: &str) -> Result<Self, InvalidZoneName> {
        if let Ok(range) = text.parse::<IpNet>() {
            let mut zones = Self::of_range(range);
            let count = zones.len();
            let first = zones.swap_remove(0);
            return match count {
                1 => Ok(first),
                _ => Err(InvalidZoneName::SeveralZones {
                    range,
                    count,
                    first,
                }),
            };
        }
        if text.is_empty() {
            return Err(InvalidZoneName::Empty);
        }
        if text == "." {
            return Ok(Self::root());
        }
        // Four characters an escaped byte: what is longer is too long, and is not echoed whole.
        if text.len() > 4 * LONGEST_NAME {
            return Err(InvalidZoneName::TooLong(text.chars().take(20).collect()));
        }
        read_labels(text)
    }
}

fn read_labels(text: &str) -> Result<ZoneName, InvalidZoneName> {
    let mut name = String::with_capacity(text.len() + 1);
    let (mut label, mut on_the_wire) = (0, 1);
    let mut end_label = |label: &mut usize, name: &mut String| {
        match *label {
            0 => return Err(InvalidZoneName::EmptyLabel(text.to_owned())),
            1..=LONGEST_LABEL => on_the_wire += 1 + *label,
            _ => return Err(InvalidZoneName::LongLabel(text.to_owned())),
        }
        name.push('.');
        *label = 0;
        Ok(())
    };
    // Classless reverse zones have a slash (RFC 2317), as in `0/25.2.0.192.in-addr.arpa`. At the end
    // of a name it belongs to a range that is none, at its front to a file.
    let last_dot = text.trim_end_matches('.').rfind('.').unwrap_or(0);
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let position = text.len() - rest.as_str().len();
        let byte = match character {
            '.' => {
                end_label(&mut label, &mut name)?;
                continue;
            }
            '\\' => {
                let escape = || InvalidZoneName::Escape(text.to_owned());
                let (byte, after) = unescape(rest.as_str()).ok_or_else(escape)?;
                rest = after.chars();
                byte
            }
            '/' if label > 0 && position <= last_dot => b'/',
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' | '*' => {
                u8::try_from(character).unwrap_or_default()
            }
            '/' => return Err(InvalidZoneName::Range(text.to_owned())),
            _ => {
                return Err(InvalidZoneName::Character {
                    text: text.to_owned(),
                    character,
                });
            }
        };
        label += 1;
        match byte.to_ascii_lowercase() {
            plain @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'*') => {
                name.push(char::from(plain));
            }
            other => {
                let _ = write!(name, "\\{other:03}");
            }
        }
    }
    if label > 0 {
        end_label(&mut label, &mut name)?;
    }
    if on_the_wire > LONGEST_NAME {
        return Err(InvalidZoneName::TooLong(text.chars().take(20).collect()));
    }
    Ok(ZoneName(name))
}

/// The byte that a backslash stands before, and what is behind it.
fn unescape(text: &str) -> Option<(u8, &str)> {
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        let (digits, after) = text.split_at_checked(3)?;
        let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
        return Some((digits.parse().ok().filter(|_| all_digits)?, after));
    }
    let byte = u8::try_from(first).ok().filter(u8::is_ascii_graphic)?;
    Some((byte, text.get(1..)?))
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

text_form!(ZoneName);
