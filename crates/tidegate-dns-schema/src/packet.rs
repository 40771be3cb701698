//! Questions as packets, put together octet by octet so that any of them can be asked.

use crate::row::Row;

/// The identifier of every question here.
pub(crate) const ID: u16 = 0x2a2a;

/// In which letters a name is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    AsWritten,
    /// Every other letter is a capital, as from clients that tell forgeries by that.
    Mixed,
}

/// What a client says of itself; see RFC 6891.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Edns {
    pub(crate) payload: u16,
    pub(crate) version: u8,
    pub(crate) dnssec_ok: bool,
    /// With a cookie and an option that nobody knows.
    pub(crate) options: bool,
}

/// A cookie (RFC 7873) and an option of the range for experiments (RFC 6891).
const OPTIONS: [u8; 18] = [
    0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xfd, 0xe9, 0, 2, 0xff, 0,
];

/// The packet of a row's question.
pub(crate) fn of(row: &Row, letters: Letters, edns: Option<Edns>) -> Vec<u8> {
    let recursion = if row.manner.no_recursion { 0 } else { 1 };
    let flags = [row.manner.opcode << 3 | recursion, 0];
    let additional = u8::from(edns.is_some());
    let mut packet = ID.to_be_bytes().to_vec();
    packet.extend(flags);
    packet.extend([0, 1, 0, 0, 0, 0, 0, additional]);
    packet.extend(wire(&row.name, letters));
    packet.extend(row.kind.to_be_bytes());
    packet.extend(row.manner.class.unwrap_or(1).to_be_bytes());
    if let Some(edns) = edns {
        let options: &[u8] = if edns.options { &OPTIONS } else { &[] };
        packet.extend([0, 0, 41]);
        packet.extend(edns.payload.to_be_bytes());
        packet.extend([0, edns.version, u8::from(edns.dnssec_ok) << 7, 0, 0]);
        packet.push(options.len() as u8);
        packet.extend(options);
    }
    packet
}

/// Where the question begins and ends in a packet of ours.
pub(crate) fn question_of(packet: &[u8], name: &str) -> Vec<u8> {
    packet[12..12 + wire(name, Letters::AsWritten).len() + 4].to_vec()
}

/// A name in wire form.
fn wire(name: &str, letters: Letters) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.push(u8::try_from(label.len()).expect("a short label"));
        octets.extend(
            label
                .bytes()
                .enumerate()
                .map(|(place, octet)| match letters {
                    Letters::Mixed if place % 2 == 0 => octet.to_ascii_uppercase(),
                    _ => octet,
                }),
        );
    }
    octets.push(0);
    octets
}
