//! Signed questions and answers.

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::check::Report;
use crate::zone_name::ZoneName;

/// Signed questions and answers (TSIG, RFC 8945).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Tsig {
    /// The zones; those of the server block where a file has none.
    pub zones: Vec<ZoneName>,
    /// The keys.
    pub keys: Vec<TsigKey>,
    /// Which questions must be signed.
    pub require: TsigRequire,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TsigKey {
    /// Its name, which both sides know.
    pub name: ZoneName,
    /// How it signs.
    #[serde(default)]
    pub algorithm: TsigAlgorithm,
    /// The key itself.
    pub secret: TsigSecret,
}

/// A key in Base64. Left out of what is printed for the log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TsigSecret(String);

impl TsigSecret {
    /// A key in Base64.
    pub fn new(base64: impl Into<String>) -> Self {
        Self(base64.into())
    }

    /// The bytes of the key; none if it isn't in Base64, which no configuration has that was read.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.0).ok()
    }
}

impl fmt::Debug for TsigSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"…\"")
    }
}

/// How a key signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TsigAlgorithm {
    /// HMAC with SHA-1.
    #[serde(rename = "hmac-sha1")]
    HmacSha1,
    /// HMAC with SHA-224.
    #[serde(rename = "hmac-sha224")]
    HmacSha224,
    /// HMAC with SHA-256, which RFC 8945 recommends.
    #[default]
    #[serde(rename = "hmac-sha256")]
    HmacSha256,
    /// HMAC with SHA-384.
    #[serde(rename = "hmac-sha384")]
    HmacSha384,
    /// HMAC with SHA-512.
    #[serde(rename = "hmac-sha512")]
    HmacSha512,
}

/// Which questions must be signed. What is signed must be signed well in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TsigRequire {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those for records of these types, as in `AXFR`.
    Types(Vec<String>),
}

/// The types that questions can be for, as far as somebody would want them signed.
const TYPES: [&str; 20] = [
    "A", "AAAA", "ANY", "AXFR", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "IXFR", "MX", "NAPTR",
    "NS", "PTR", "SOA", "SRV", "SVCB", "TLSA", "TXT", "HINFO",
];

impl Tsig {
    pub(crate) fn check(&self, report: Report<'_>) {
        let mut names = HashSet::new();
        for (index, key) in self.keys.iter().enumerate() {
            let field = format!("keys[{index}]");
            let name = &key.name;
            if !names.insert(name) {
                let text = format!("the key {name:?} is there twice; remove one of them");
                report(&field, text);
            }
            if key.secret.bytes().is_none_or(|bytes| bytes.is_empty()) {
                let text = format!("the secret of the key {name:?} is not Base64; correct it");
                report(&field, text);
            }
        }
        let TsigRequire::Types(types) = &self.require else {
            return;
        };
        for name in types {
            if !TYPES.contains(&name.as_str()) {
                let known = TYPES.join(", ");
                let text =
                    format!("{name:?} is no type of records; give \"all\" or some of {known}");
                report("require", text);
            }
        }
    }
}
