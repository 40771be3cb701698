//! How messages are signed (RFC 8945, 6).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use tidegate_dns_wire::LowerName;

/// What a message and a secret are made into a code by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-1: everybody has it, nobody should choose it.
    Sha1,
    /// HMAC with SHA-224.
    Sha224,
    /// HMAC with SHA-256, which is recommended.
    Sha256,
    /// HMAC with SHA-384.
    Sha384,
    /// HMAC with SHA-512.
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Sha1,
        Self::Sha224,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
    ];

    /// Its name in the registry, which is a domain name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "hmac-sha1",
            Self::Sha224 => "hmac-sha224",
            Self::Sha256 => "hmac-sha256",
            Self::Sha384 => "hmac-sha384",
            Self::Sha512 => "hmac-sha512",
        }
    }

    /// How many octets a code has.
    pub fn octets(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// How many octets a shortened code has at least (RFC 8945, 5.2.2.1).
    pub(crate) fn fewest_octets(self) -> usize {
        (self.octets() / 2).max(10)
    }

    pub(crate) fn domain_name(self) -> LowerName {
        // The names above are names.
        LowerName::from_text(self.name()).unwrap_or(LowerName::ROOT)
    }

    /// The code of some octets, one part behind the other.
    pub(crate) fn code(self, secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha1 => code::<Hmac<Sha1>>(secret, parts),
            Self::Sha224 => code::<Hmac<Sha224>>(secret, parts),
            Self::Sha256 => code::<Hmac<Sha256>>(secret, parts),
            Self::Sha384 => code::<Hmac<Sha384>>(secret, parts),
            Self::Sha512 => code::<Hmac<Sha512>>(secret, parts),
        }
    }
}

fn code<M: Mac + KeyInit>(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = <M as Mac>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
