//! Names that end in a pointer to another one (RFC 1035, 4.1.4).

use crate::name::{InvalidName, LowerName};

/// How many pointers in a row a name may have. Those of an honest packet point ahead of
/// themselves, once or twice.
const MOST_POINTERS: usize = 16;

impl LowerName {
    /// Reads a name of any form that begins at this octet of a packet, and says where it ends there.
    ///
    /// # Errors
    /// There is no whole name, or its pointers lead anywhere but back.
    pub fn from_packet(packet: &[u8], at: usize) -> Result<(Self, usize), InvalidName> {
        let mut name = Self::ROOT;
        let mut pushed = Ok(());
        let end = walk(packet, at, |label| {
            if pushed.is_ok() {
                pushed = name.push(label);
            }
        });
        pushed?;
        Ok((name, end.ok_or(InvalidName::Broken)?))
    }
}

/// Where a name of any form ends that begins at `at`.
#[inline]
pub(crate) fn skip_name(packet: &[u8], at: usize) -> Option<usize> {
    walk(packet, at, |_| {})
}

/// Visits the labels of a name, and says where it ends if it is whole.
#[inline]
fn walk<'p>(packet: &'p [u8], mut at: usize, mut visit: impl FnMut(&'p [u8])) -> Option<usize> {
    let mut end = None;
    let mut length = 0;
    for _ in 0..MOST_POINTERS {
        loop {
            let octet = *packet.get(at)?;
            match octet {
                0 => return Some(end.unwrap_or(at + 1)),
                1..=63 => {
                    let next = at + 1 + usize::from(octet);
                    length += next - at;
                    visit(packet.get(at + 1..next)?);
                    at = next;
                }
                0xc0.. => break,
                _ => return None,
            }
            if length >= 255 {
                return None;
            }
        }
        let low = *packet.get(at + 1)?;
        let high = *packet.get(at)? & 0x3f;
        end = end.or(Some(at + 2));
        let target = usize::from(u16::from_be_bytes([high, low]));
        // A pointer to what follows it can only be meant to trap its reader.
        if target >= at {
            return None;
        }
        at = target;
    }
    None
}
