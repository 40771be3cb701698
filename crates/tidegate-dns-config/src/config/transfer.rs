//! Who may have whole zones.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::listen::DNS_PORT;
use crate::check::Report;
use crate::text_form::text_form;
use crate::zone_name::ZoneName;

/// Who may have whole zones (AXFR, RFC 5936).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Transfer {
    /// The zones; those of the server block where a file has none.
    pub zones: Vec<ZoneName>,
    /// Who.
    pub to: Vec<TransferTarget>,
}

/// Who may have a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferTarget {
    /// Everybody: `*`.
    Everybody,
    /// A network.
    Network(IpNet),
    /// A server, which is also told (RFC 1996) on this port when the zone changes.
    Server(SocketAddr),
}

/// Why a text is nobody who may have a zone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address; write \"*\", \"10.0.0.1\", \"10.0.0.1:53\" or \"10.0.0.0/24\"")]
pub struct InvalidTransferTarget(String);

impl Transfer {
    pub(crate) fn check(&self, report: Report<'_>) {
        if self.to.is_empty() {
            let text = "it is not said who may have the zones; add \"to\" with addresses";
            report("to", text.to_owned());
        }
    }
}

impl FromStr for TransferTarget {
    type Err = InvalidTransferTarget;

    fn from_str(text: &str) -> Result<Self, InvalidTransferTarget> {
        if text == "*" {
            return Ok(Self::Everybody);
        }
        if let Ok(network) = text.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Server(SocketAddr::new(address, DNS_PORT)));
        }
        let server = text.parse().map(Self::Server);
        server.map_err(|_| InvalidTransferTarget(text.to_owned()))
    }
}

impl fmt::Display for TransferTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody => f.write_str("*"),
            Self::Network(network) => network.fmt(f),
            Self::Server(server) => server.fmt(f),
        }
    }
}

text_form!(TransferTarget);
