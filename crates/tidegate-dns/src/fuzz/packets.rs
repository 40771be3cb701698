//! Packets for the handler.

use hickory_proto::op::{Message, Query as Question};
use hickory_proto::rr::{Name, RecordType};
use rand::Rng;
use rand::rngs::StdRng;
use tidegate_tsig::{Key, Signer};

use super::mutations::spoil;
use super::names::{NAMES, name};
use crate::clock::seconds_since_1970;

/// Types that something is made of.
const KINDS: [u16; 20] = [
    1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 35, 41, 43, 46, 64, 65, 250, 251, 252, 255,
];

/// The name and the secret of a key that the handler knows, and how its configuration writes that.
pub(super) const KEY_NAME: &str = "reader.";
pub(super) const KEY: &[u8] = b"sixteen octets at least";
pub(super) const KEY_TEXT: &str = "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3Q=";

/// Makes packets.
pub(super) struct Crafter {
    rng: StdRng,
    /// Questions with good signatures, which can't be made a million times.
    signed: Vec<Vec<u8>>,
}

impl Crafter {
    pub(super) fn new(rng: StdRng, key: &Key) -> Self {
        let signed = NAMES.iter().flat_map(|name| {
            let kinds = [RecordType::A, RecordType::SRV, RecordType::AXFR];
            kinds.map(|kind| signed(key, name, kind))
        });
        Self {
            rng,
            signed: signed.collect(),
        }
    }

    pub(super) fn rng(&mut self) -> &mut StdRng {
        &mut self.rng
    }

    /// The next packet.
    pub(super) fn next(&mut self) -> Vec<u8> {
        let rng = &mut self.rng;
        match rng.random_range(0..100) {
            0..10 => noise(rng),
            10..20 => behind_a_header(rng),
            20..55 => question(rng),
            55..85 => {
                let mut packet = question(rng);
                spoil(rng, &mut packet);
                packet
            }
            85..92 => with_pointers(rng),
            92..96 => self.signed[rng.random_range(0..self.signed.len())].clone(),
            _ => {
                let mut packet = self.signed[rng.random_range(0..self.signed.len())].clone();
                spoil(rng, &mut packet);
                packet
            }
        }
    }
}

fn noise(rng: &mut StdRng) -> Vec<u8> {
    let length = match rng.random_range(0..4) {
        0 => rng.random_range(0..24),
        1 => rng.random_range(0..2000),
        _ => rng.random_range(12..120),
    };
    (0..length).map(|_| rng.random()).collect()
}

/// Noise that begins like a question.
fn behind_a_header(rng: &mut StdRng) -> Vec<u8> {
    let mut packet = header(rng, [1, 0, 0, 0]);
    packet.extend(noise(rng));
    packet
}

fn header(rng: &mut StdRng, counts: [u16; 4]) -> Vec<u8> {
    let id: u16 = rng.random();
    let flags: u16 = match rng.random_range(0..10) {
        0 => rng.random(),
        1 => 0x0110 | rng.random_range(0..4) << 4,
        _ => 0x0100,
    };
    [[id, flags].as_slice(), &counts]
        .concat()
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect()
}

/// A well-formed question, with more or less EDNS and other records behind it.
fn question(rng: &mut StdRng) -> Vec<u8> {
    let edns = rng.random_bool(0.6);
    let others = if rng.random_bool(0.1) {
        rng.random_range(0..3)
    } else {
        0
    };
    let counts = match rng.random_range(0..3) {
        0 => [1, others, 0, u16::from(edns)],
        1 => [1, 0, others, u16::from(edns)],
        _ => [1, 0, 0, others + u16::from(edns)],
    };
    let mut packet = header(rng, counts);
    packet.extend(name(rng));
    packet.extend(kind(rng).to_be_bytes());
    packet.extend(class(rng).to_be_bytes());
    for _ in 0..others {
        record(rng, &mut packet);
    }
    if edns {
        opt(rng, &mut packet);
    }
    packet
}

fn kind(rng: &mut StdRng) -> u16 {
    match rng.random_range(0..8) {
        0 => rng.random(),
        1 => rng.random_range(0..300),
        2 | 3 => 1,
        _ => KINDS[rng.random_range(0..KINDS.len())],
    }
}

fn class(rng: &mut StdRng) -> u16 {
    match rng.random_range(0..20) {
        0 => rng.random(),
        1 => [0, 3, 4, 254, 255][rng.random_range(0..5)],
        _ => 1,
    }
}

/// EDNS as it should be, and as it shouldn't.
fn opt(rng: &mut StdRng, packet: &mut Vec<u8>) {
    let payload = match rng.random_range(0..8) {
        0 => rng.random(),
        1 => 0,
        2 => 512,
        3 => 65_535,
        4 => 513,
        _ => [1232_u16, 4096, 1400][rng.random_range(0..3)],
    };
    let version = if rng.random_bool(0.05) {
        rng.random()
    } else {
        0
    };
    let flags: u16 = if rng.random_bool(0.3) { 0x8000 } else { 0 };
    let mut options = Vec::new();
    for _ in 0..rng.random_range(0..3) {
        let code: u16 = [3, 8, 10, 11, 12, 15, 65_001][rng.random_range(0..7)];
        let length = rng.random_range(0..40_u16);
        options.extend(code.to_be_bytes());
        let said = if rng.random_bool(0.1) {
            rng.random()
        } else {
            length
        };
        options.extend(said.to_be_bytes());
        options.extend((0..length).map(|_| rng.random::<u8>()));
    }
    packet.extend([0, 0, 41]);
    packet.extend(payload.to_be_bytes());
    packet.extend([0, version]);
    packet.extend(flags.to_be_bytes());
    let length = match rng.random_bool(0.05) {
        true => rng.random(),
        false => options.len() as u16,
    };
    packet.extend(length.to_be_bytes());
    packet.extend(options);
}

/// Any record, also one that looks like a signature.
fn record(rng: &mut StdRng, packet: &mut Vec<u8>) {
    match rng.random_bool(0.3) {
        true => packet.extend([0xc0, 12]),
        false => packet.extend(name(rng)),
    }
    let data = noise(rng);
    packet.extend(kind(rng).to_be_bytes());
    packet.extend(class(rng).to_be_bytes());
    packet.extend(rng.random::<u32>().to_be_bytes());
    packet.extend((data.len() as u16).to_be_bytes());
    packet.extend(data);
}

/// Names that point at themselves, at each other, ahead, and into the header.
fn with_pointers(rng: &mut StdRng) -> Vec<u8> {
    let mut packet = header(rng, [1, 0, 0, 1]);
    let in_question = rng.random_bool(0.5);
    if in_question {
        packet.extend([3, b'w', b'w', b'w']);
        pointers(rng, &mut packet);
    } else {
        packet.extend(name(rng));
    }
    packet.extend([0, 1, 0, 1]);
    pointers(rng, &mut packet);
    packet.extend([0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    packet
}

fn pointers(rng: &mut StdRng, packet: &mut Vec<u8>) {
    let here = packet.len() as u16;
    for step in 0..rng.random_range(1..40_u16) {
        let target = match rng.random_range(0..5) {
            0 => here,
            1 => here + 2 * step,
            2 => here + 2 * step + 2,
            3 => rng.random_range(0..here + 40),
            _ => 12,
        };
        packet.extend((0xc000 | target).to_be_bytes());
    }
}

fn signed(key: &Key, name: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::query();
    let name = Name::from_ascii(format!("{name}.")).expect("a name");
    message.add_query(Question::query(name, kind));
    let mut packet = message.to_vec().expect("a packet");
    Signer::of_question(key).sign(&mut packet, seconds_since_1970());
    packet
}
