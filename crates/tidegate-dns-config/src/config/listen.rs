//! Where to listen.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::text_form::text_form;
use crate::zone_name::{InvalidZoneName, ZoneName};

/// The port of DNS.
pub(crate) const DNS_PORT: u16 = 53;

/// A zone and the port that it is served on.
///
/// In YAML it is the zone, with a colon and the port where that isn't 53: `example.org.:1053`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServedZone {
    /// The zone.
    pub name: ZoneName,
    /// The port; with 0 the kernel chooses one.
    pub port: u16,
}

impl ServedZone {
    /// A zone on the port of DNS.
    pub fn new(name: ZoneName) -> Self {
        Self {
            name,
            port: DNS_PORT,
        }
    }
}

impl FromStr for ServedZone {
    type Err = InvalidZoneName;

    fn from_str(text: &str) -> Result<Self, InvalidZoneName> {
        let (name, port) = split_port(text)?;
        Ok(Self {
            name: name.parse()?,
            port: port.unwrap_or(DNS_PORT),
        })
    }
}

/// Takes a port off a zone.
pub(crate) fn split_port(text: &str) -> Result<(&str, Option<u16>), InvalidZoneName> {
    // A range of IPv6 has colons too.
    let parts = text.rsplit_once(':');
    match parts.filter(|_| text.parse::<IpNet>().is_err()) {
        None => Ok((text, None)),
        Some((name, port)) => match port.parse() {
            Ok(port) => Ok((name, Some(port))),
            Err(_) => Err(InvalidZoneName::Port(text.to_owned())),
        },
    }
}

impl fmt::Display for ServedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            DNS_PORT => write!(f, "{}", self.name),
            port => write!(f, "{}:{port}", self.name),
        }
    }
}

text_form!(ServedZone);

/// An address to listen on with HTTP, as in `:8080`, `localhost:9153` or `[::1]:8181`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenAddress {
    /// The address; every one of the machine where it isn't set.
    pub host: Option<IpAddr>,
    /// The port; with 0 the kernel chooses one.
    pub port: u16,
}

/// Why a text is no address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no address to listen on; write it as \":8080\" or \"127.0.0.1:8080\"")]
pub struct InvalidListenAddress(String);

impl ListenAddress {
    /// A port on every address of the machine.
    pub const fn everywhere(port: u16) -> Self {
        Self { host: None, port }
    }

    /// A port on this machine's own address, `127.0.0.1`.
    pub const fn local(port: u16) -> Self {
        Self {
            host: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port,
        }
    }
}

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        let invalid = || InvalidListenAddress(text.to_owned());
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self {
                host: Some(address.ip()),
                port: address.port(),
            });
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let port = port.parse().map_err(|_| invalid())?;
        match host {
            "" => Ok(Self::everywhere(port)),
            "localhost" => Ok(Self::local(port)),
            _ => Err(invalid()),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host {
            None => write!(f, ":{}", self.port),
            Some(host) => SocketAddr::new(host, self.port).fmt(f),
        }
    }
}

text_form!(ListenAddress);
