//! On which addresses the questions come in.

use std::convert::Infallible;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::check::Report;
use crate::text_form::text_form;

/// The kernel's limit for the name of an interface, in bytes (`IFNAMSIZ` less its zero).
const LONGEST_INTERFACE: usize = 15;

/// Addresses to listen on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Bind {
    /// The addresses, and interfaces with all their addresses.
    pub to: Vec<BindTo>,
    /// What of these is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<BindTo>,
}

/// One address to listen on, or the addresses of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum BindTo {
    /// An address.
    Address(IpAddr),
    /// An interface by its name; it need not exist when the file is read.
    Interface(String),
}

impl FromStr for BindTo {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Interface(text.to_owned()),
        })
    }
}

impl fmt::Display for BindTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => f.write_str(name),
        }
    }
}

text_form!(BindTo);

impl Bind {
    pub(crate) fn check(&self, report: Report<'_>) {
        if self.to.is_empty() {
            let text = "there is nothing to listen on; give addresses or interfaces";
            report("to", text.to_owned());
        }
        for (field, list) in [("to", &self.to), ("except", &self.except)] {
            for entry in list {
                if let BindTo::Interface(name) = entry
                    && !can_be_interface(name)
                {
                    report(
                        field,
                        format!(
                            "{name:?} is neither an address nor the name of an interface; give \
                             one, as in \"127.0.0.1\" or \"eth0\""
                        ),
                    );
                }
            }
        }
    }
}

/// What the kernel takes, except that a name which is all digits and dots, or has a colon, was
/// meant to be an address.
fn can_be_interface(name: &str) -> bool {
    let is_strange = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
    let is_numeric = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    !is_numeric && name.len() <= LONGEST_INTERFACE && !name.contains(is_strange)
}
