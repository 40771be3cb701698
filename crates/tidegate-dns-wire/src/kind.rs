//! The numbers of record types and response codes, by their names.

use std::fmt;

/// A record type or a type that only questions have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u16);

/// What a reply says about the question as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub u16);

macro_rules! numbers {
    ($type:ident: $($(#[$doc:meta])* $name:ident = $number:literal as $text:literal,)*) => {
        impl $type {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The number of a name in the registry, for those that are met often.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self($number)),)*
                    _ => None,
                }
            }

            /// The name in the registry, for those that are met often.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

numbers! { Kind:
    /// An IPv4 address.
    A = 1 as "A",
    /// A server of a zone.
    NS = 2 as "NS",
    /// An alias.
    CNAME = 5 as "CNAME",
    /// The start of a zone.
    SOA = 6 as "SOA",
    /// The name of an address.
    PTR = 12 as "PTR",
    /// What a host is; loop checks ask for it.
    HINFO = 13 as "HINFO",
    /// Where mail goes.
    MX = 15 as "MX",
    /// Text.
    TXT = 16 as "TXT",
    /// An IPv6 address.
    AAAA = 28 as "AAAA",
    /// Where a service is.
    SRV = 33 as "SRV",
    /// How to get at an address by rules.
    NAPTR = 35 as "NAPTR",
    /// What sender and receiver can do (RFC 6891).
    OPT = 41 as "OPT",
    /// A delegation signer.
    DS = 43 as "DS",
    /// A signature.
    RRSIG = 46 as "RRSIG",
    /// The next name.
    NSEC = 47 as "NSEC",
    /// A key.
    DNSKEY = 48 as "DNSKEY",
    /// Parameters of a service.
    SVCB = 64 as "SVCB",
    /// The same for HTTPS.
    HTTPS = 65 as "HTTPS",
    /// The signature of a message (RFC 8945).
    TSIG = 250 as "TSIG",
    /// What changed in a zone.
    IXFR = 251 as "IXFR",
    /// All of a zone.
    AXFR = 252 as "AXFR",
    /// Everything of a name.
    ANY = 255 as "ANY",
}

numbers! { Code:
    /// There is an answer, if an empty one.
    NO_ERROR = 0 as "NOERROR",
    /// The query isn't well-formed.
    FORMAT_ERROR = 1 as "FORMERR",
    /// The server can't tell.
    SERVER_FAILURE = 2 as "SERVFAIL",
    /// The name doesn't exist.
    NAME_ERROR = 3 as "NXDOMAIN",
    /// The server doesn't do this.
    NOT_IMPLEMENTED = 4 as "NOTIMP",
    /// The server doesn't do this for this client.
    REFUSED = 5 as "REFUSED",
    /// The server isn't authoritative, or the signature isn't valid.
    NOT_AUTHORITATIVE = 9 as "NOTAUTH",
    /// The version of EDNS isn't known (RFC 6891).
    BAD_VERSION = 16 as "BADVERS",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "TYPE{}", self.0),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "RCODE{}", self.0),
        }
    }
}
