//! Signed questions and replies, octet by octet.

mod faults;
mod hostile;
mod wire;

use tidegate_dns_wire::{LowerName, Query, Transport};
use tidegate_tsig::{Algorithm, Key, Refusal, Signer, check};

/// When the questions of the tests are signed.
const THEN: u64 = 1_700_000_000;

/// A question for `web.example`, and the beginning of every reply to it.
const QUESTION: &str = "12340100000100000000000003776562076578616d706c650000010001";

fn key() -> Key {
    key_of(Algorithm::Sha256)
}

fn key_of(algorithm: Algorithm) -> Key {
    Key {
        name: LowerName::from_text("reader.example").expect("a name"),
        algorithm,
        secret: b"sixteen octets at least".to_vec(),
    }
}

/// The question, signed.
fn asked(key: &Key) -> Vec<u8> {
    let mut question = octets(QUESTION);
    Signer::of_question(key).sign(&mut question, THEN);
    question
}

/// Checks the signature of a packet that is a question with one.
fn checked<'k>(packet: &[u8], keys: &'k [Key], now: u64) -> Result<Signer<'k>, Refusal<'k>> {
    let query = Query::read(packet, Transport::Tcp).expect("a question");
    check(packet, query.signature.expect("a signature"), keys, now)
}

fn octets(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let octet = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).expect("digits");
        u8::from_str_radix(text, 16).expect("an octet")
    };
    pairs.map(octet).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
