//! Response codes.

use std::fmt;
use std::str::FromStr;

use crate::text_form::text_form;

/// A response code (RFC 1035, 4.1.1, and RFC 2136), by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rcode(u8);

const NAMES: [&str; 11] = [
    "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
    "NXRRSET", "NOTAUTH", "NOTZONE",
];

/// Why a text is no response code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no response code; give one of {}", NAMES.join(", "))]
pub struct InvalidRcode {
    text: String,
}

impl Rcode {
    /// The questioner gets what it wanted to know.
    pub const NOERROR: Self = Self(0);
    /// The server can't answer now.
    pub const SERVFAIL: Self = Self(2);
    /// There is no such name.
    pub const NXDOMAIN: Self = Self(3);
    /// The server doesn't want to answer.
    pub const REFUSED: Self = Self(5);

    /// The number on the wire.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl FromStr for Rcode {
    type Err = InvalidRcode;

    /// Reads a name in letters of any case.
    fn from_str(text: &str) -> Result<Self, InvalidRcode> {
        (0..)
            .zip(NAMES)
            .find(|(_, name)| name.eq_ignore_ascii_case(text))
            .map(|(number, _)| Self(number))
            .ok_or_else(|| InvalidRcode {
                text: text.to_owned(),
            })
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[usize::from(self.0)])
    }
}

text_form!(Rcode);
