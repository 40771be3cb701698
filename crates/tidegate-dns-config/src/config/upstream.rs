//! Servers that questions are passed on to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use super::listen::DNS_PORT;
use crate::text_form::text_form;
use crate::zone_name::ZoneName;

/// The port of DNS over TLS (RFC 7858).
const TLS_PORT: u16 = 853;

/// A server that questions are passed on to, or a file that lists some.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Upstream {
    /// A server, as in `10.0.0.1`, `[::1]:5353` or `tls://9.9.9.9%dns.quad9.net`.
    Server {
        /// Where it is.
        address: SocketAddr,
        /// How it is spoken to.
        transport: UpstreamTransport,
    },
    /// A file like `/etc/resolv.conf`, whose `nameserver` lines count.
    ResolvConf(String),
}

/// How a server is spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum UpstreamTransport {
    /// UDP, and TCP for what is too long.
    Dns,
    /// TLS.
    Tls {
        /// The name that its certificate must be for, where it has one of its own.
        server_name: Option<String>,
    },
}

/// Why a text is no server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpstream {
    /// It is neither an address nor a file.
    #[error("{0:?} is neither an address nor a file; write \"10.0.0.1:53\" or a path with a \"/\"")]
    NoAddress(String),
    /// It is a host name.
    #[error(
        "{0:?} is a host name, which is not supported; give an address, or a file with a \"/\""
    )]
    HostName(String),
    /// It is spoken to in a way that isn't supported.
    #[error("{0:?}: {1} is not supported; use plain DNS or \"tls://\"")]
    Transport(String, String),
    /// The name behind the percent sign can't be.
    #[error("{0:?}: what is behind the \"%\" is no name of a server; give the certificate's name")]
    ServerName(String),
}

impl FromStr for Upstream {
    type Err = InvalidUpstream;

    fn from_str(text: &str) -> Result<Self, InvalidUpstream> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("dns", text));
        let no_address = || InvalidUpstream::NoAddress(text.to_owned());
        let (port, is_tls) = match scheme {
            "dns" => (DNS_PORT, false),
            "tls" => (TLS_PORT, true),
            _ => {
                let scheme = scheme.chars().take(20).collect();
                return Err(InvalidUpstream::Transport(text.to_owned(), scheme));
            }
        };
        if !is_tls && rest.contains('/') {
            return Ok(Self::ResolvConf(rest.to_owned()));
        }
        let (plain, server_name) = match rest.split_once('%') {
            None => (rest.to_owned(), None),
            Some((before, after)) if is_tls => {
                // The name stands before the bracket or the port.
                let end = after.find([']', ':']).unwrap_or(after.len());
                let (name, port) = after.split_at(end);
                (format!("{before}{port}"), Some(name))
            }
            Some(_) => return Err(no_address()),
        };
        if let Some(name) = server_name
            && !is_server_name(name)
        {
            return Err(InvalidUpstream::ServerName(text.to_owned()));
        }
        let address = read_address(&plain, port).ok_or_else(|| {
            let host = plain.split(':').next().unwrap_or_default();
            let has_letters = host.bytes().any(|b| b.is_ascii_alphabetic());
            if has_letters && host.parse::<ZoneName>().is_ok() && plain.matches(':').count() < 2 {
                InvalidUpstream::HostName(text.to_owned())
            } else {
                no_address()
            }
        })?;
        let transport = if is_tls {
            UpstreamTransport::Tls {
                server_name: server_name.map(str::to_owned),
            }
        } else {
            UpstreamTransport::Dns
        };
        Ok(Self::Server { address, transport })
    }
}

/// An address with or without a port; one of IPv6 without a port may have brackets.
fn read_address(text: &str, port: u16) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address);
    }
    let inner = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    let ip: IpAddr = match inner {
        Some(inner) => IpAddr::V6(inner.parse().ok()?),
        None => text.parse().ok()?,
    };
    Some(SocketAddr::new(ip, port))
}

/// Whether a text can be the name in a certificate.
pub(crate) fn is_server_name(name: &str) -> bool {
    let can_be = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    name.bytes().all(can_be) && name.parse::<ZoneName>().is_ok()
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResolvConf(path) => f.write_str(path),
            Self::Server { address, transport } => match transport {
                UpstreamTransport::Dns => write!(f, "{address}"),
                UpstreamTransport::Tls { server_name: None } => write!(f, "tls://{address}"),
                UpstreamTransport::Tls {
                    server_name: Some(name),
                } => match address {
                    SocketAddr::V4(v4) => write!(f, "tls://{}%{name}:{}", v4.ip(), v4.port()),
                    SocketAddr::V6(v6) => write!(f, "tls://[{}%{name}]:{}", v6.ip(), v6.port()),
                },
            },
        }
    }
}

text_form!(Upstream);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_have_one_text_each() {
        for (text, printed) in [
            ("10.0.0.1", "10.0.0.1:53"),
            ("dns://10.0.0.1:5353", "10.0.0.1:5353"),
            ("::1", "[::1]:53"),
            ("[::1]", "[::1]:53"),
            ("[::1]:54", "[::1]:54"),
            ("tls://9.9.9.9", "tls://9.9.9.9:853"),
            (
                "tls://9.9.9.9%dns.quad9.net",
                "tls://9.9.9.9%dns.quad9.net:853",
            ),
            (
                "tls://9.9.9.9%dns.quad9.net:10853",
                "tls://9.9.9.9%dns.quad9.net:10853",
            ),
            ("tls://[::1%a.b]:1", "tls://[::1%a.b]:1"),
            ("tls://::1%a.b", "tls://[::1%a.b]:853"),
            ("/etc/resolv.conf", "/etc/resolv.conf"),
            ("./resolv.conf", "./resolv.conf"),
        ] {
            let upstream: Upstream = text.parse().expect(text);
            assert_eq!(upstream.to_string(), printed);
            assert_eq!(printed.parse(), Ok(upstream));
        }
    }

    #[test]
    fn what_is_no_server_is_refused_by_what_it_is() {
        let refusal = |text: &str| text.parse::<Upstream>().expect_err(text);
        for text in [
            "",
            "10.0.0",
            "10.0.0.1:",
            "10.0.0.1:99999",
            "tls://",
            "fe80::1%eth0",
            "1.1.1.1%x",
        ] {
            let no_address = InvalidUpstream::NoAddress(text.to_owned());
            assert_eq!(refusal(text), no_address);
        }
        for text in ["dns.example.org", "dns:53", "tls://dns.quad9.net"] {
            assert_eq!(refusal(text), InvalidUpstream::HostName(text.to_owned()));
        }
        for text in ["tls://9.9.9.9%", "tls://9.9.9.9%a..b", "tls://9.9.9.9%a b"] {
            assert_eq!(refusal(text), InvalidUpstream::ServerName(text.to_owned()));
        }
        assert!(matches!(
            refusal("https://9.9.9.9/dns-query"),
            InvalidUpstream::Transport(_, scheme) if scheme == "https"
        ));
    }
}
