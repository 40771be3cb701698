//! What a signature is worth.

use tidegate_dns_wire::HEADER;

use crate::key::Key;
use crate::record::Record;
use crate::refusal::{Fault, Refusal};
use crate::signer::Signer;

/// Checks the signature of a question at this time, in seconds since 1970, and gives what signs the
/// replies. Its record begins at octet `at` of the packet, and nothing is behind it.
///
/// The checks are those of RFC 8945 (5.2), in their order: the record, the key, the code, the time,
/// and whether the code is whole. Shortened codes are refused: nobody here agrees on them with
/// clients, and BIND takes none either unless told to.
///
/// # Errors
/// The question isn't from somebody who has one of the keys, or it isn't of this time.
pub fn check<'k>(
    packet: &[u8],
    at: usize,
    keys: &'k [Key],
    now: u64,
) -> Result<Signer<'k>, Refusal<'k>> {
    let record = Record::read(packet, at).ok_or_else(Refusal::malformed)?;
    let id = [0, 1].map(|at| packet.get(at).copied().unwrap_or_default());
    let is_it =
        |key: &&Key| key.name == record.key && key.algorithm.domain_name() == record.algorithm;
    let Some(key) = keys.iter().find(is_it) else {
        return Err(Refusal::unproven(Fault::UnknownKey, &record, id, now));
    };
    let whole = key.algorithm.octets();
    if !(key.algorithm.fewest_octets()..=whole).contains(&record.code.len()) {
        return Err(Refusal::malformed());
    }
    let signed = as_signed(packet, at, record.id).ok_or_else(Refusal::malformed)?;
    if !key.is_code(record.code, &[&signed, &record.variables()]) {
        return Err(Refusal::unproven(Fault::WrongCode, &record, id, now));
    }
    let signer = Signer::of_reply(key, record.code);
    if now.abs_diff(record.time) > u64::from(record.fudge) {
        return Err(Refusal::out_of_time(signer, &record, now));
    }
    if record.code.len() < whole {
        return Err(Refusal::shortened(signer, now));
    }
    Ok(signer)
}

/// The message before it got its signature (RFC 8945, 4.3.2), and its identifier by somebody who
/// passed it on.
fn as_signed(packet: &[u8], at: usize, id: [u8; 2]) -> Option<Vec<u8>> {
    let mut message = packet.get(..at)?.to_vec();
    message.get_mut(..2)?.copy_from_slice(&id);
    let count = message.get_mut(HEADER - 2..HEADER)?;
    let fewer = u16::from_be_bytes([count[0], count[1]]).checked_sub(1)?;
    count.copy_from_slice(&fewer.to_be_bytes());
    Some(message)
}
