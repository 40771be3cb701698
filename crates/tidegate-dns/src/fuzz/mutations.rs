//! Spoiling what was good.

use rand::Rng;
use rand::rngs::StdRng;

/// Octets that mean something in a packet: ends of names, longest labels, pointers, flags.
const TELLING: [u8; 12] = [0, 1, 12, 41, 63, 64, 0x7f, 0x80, 0xbf, 0xc0, 0xfa, 0xff];

/// The longest packet that is made.
const LONGEST: usize = 4096;

/// Changes a few octets, the length or the order of a packet.
pub(super) fn spoil(rng: &mut StdRng, packet: &mut Vec<u8>) {
    for _ in 0..rng.random_range(1..=4) {
        spoil_once(rng, packet);
    }
    packet.truncate(LONGEST);
}

fn spoil_once(rng: &mut StdRng, packet: &mut Vec<u8>) {
    if packet.is_empty() {
        return;
    }
    let at = rng.random_range(0..packet.len());
    let telling = TELLING[rng.random_range(0..TELLING.len())];
    match rng.random_range(0..9) {
        0 => packet[at] ^= 1 << rng.random_range(0..8),
        1 => packet[at] = telling,
        2 => packet[at] = rng.random(),
        3 => packet.truncate(at),
        4 => packet.insert(at, telling),
        5 => {
            packet.remove(at);
        }
        6 => {
            let end = rng.random_range(at..=packet.len().min(at + 64));
            let piece = packet[at..end].to_vec();
            let to = rng.random_range(0..=packet.len());
            packet.splice(to..to, piece);
        }
        7 => {
            // A pointer to somewhere, itself or behind itself included.
            let target: u16 = 0xc000 | rng.random_range(0..packet.len() as u16 + 20);
            let end = packet.len().min(at + 2);
            packet.splice(at..end, target.to_be_bytes());
        }
        _ => {
            let more = rng.random_range(1..200);
            packet.extend((0..more).map(|_| rng.random::<u8>()));
        }
    }
}
