//! Sets and elements as attributes.

use super::constants::{LIST_ITEM, element, set};
use super::{Data, Datatype, Element, MapOf, Set, Tuple, compile};
use crate::attribute::Encoder;

/// `NFTNL_UDATA_*_COMMENT`: how `nft` keeps a comment in an object's user data.
const COMMENT: u8 = 0;
/// `NFTNL_UDATA_SET_KEYBYTEORDER` and `NFTNL_UDATA_SET_DATABYTEORDER`: how `nft` knows in which
/// order the bytes of a single value are.
const KEY_ORDER: u8 = 0;
const DATA_ORDER: u8 = 1;

/// Writes a set without the name of its table.
pub(crate) fn set(added: &Set, id: u32, out: &mut Encoder) {
    let set_flags = set_flags(added);
    out.string(set::NAME, &added.name);
    out.be32(set::FLAGS, set_flags);
    out.be32(set::KEY_TYPE, Datatype::concatenation(&added.key));
    out.be32(set::KEY_LENGTH, length(&added.key));
    match &added.map {
        MapOf::Nothing => {}
        MapOf::Values(types) => {
            out.be32(set::DATA_TYPE, Datatype::concatenation(types));
            out.be32(set::DATA_LENGTH, length(types));
        }
        MapOf::Verdicts => {
            out.be32(set::DATA_TYPE, set::VERDICTS);
            out.be32(set::DATA_LENGTH, 0);
        }
    }
    out.be32(set::ID, id);
    let orders = [
        (KEY_ORDER, added.key.as_slice()),
        (DATA_ORDER, added.data_types()),
    ];
    let orders: Vec<u8> = orders
        .into_iter()
        .filter_map(|(kind, types)| Some((kind, Datatype::byte_order(types)?)))
        .flat_map(|(kind, order)| [&[kind, 4], order.to_ne_bytes().as_slice()].concat())
        .collect();
    if !orders.is_empty() {
        out.bytes(set::USERDATA, &orders);
    }
    out.nested(set::DESCRIPTION, |out| {
        if let Some(size) = added.size {
            out.be32(set::DESCRIBED_SIZE, size);
        }
        if set_flags & set::CONCATENATED != 0 {
            out.nested(set::DESCRIBED_FIELDS, |out| {
                for one in &added.key {
                    let length = u32::try_from(one.length()).unwrap_or(u32::MAX);
                    out.nested(LIST_ITEM, |out| out.be32(set::FIELD_LENGTH, length));
                }
            });
        }
    });
}

/// A set's flags as the kernel has them.
pub(crate) fn set_flags(set: &Set) -> u32 {
    let all = [
        (set.interval, set::INTERVAL),
        (set.map != MapOf::Nothing, set::MAP),
        (set.timeout, set::TIMEOUT),
        (set.dynamic, set::DYNAMIC),
        (set.interval && set.key.len() > 1, set::CONCATENATED),
    ];
    all.iter()
        .filter(|(wanted, _)| *wanted)
        .fold(0, |flags, (_, flag)| flags | flag)
}

fn length(types: &[Datatype]) -> u32 {
    u32::try_from(Datatype::total_length(types)).unwrap_or(u32::MAX)
}

/// Writes an element of a set; a range of single values becomes two elements.
pub(crate) fn element(set: &Set, one: &Element, out: &mut Encoder) {
    let item = out.open_nested(LIST_ITEM);
    let key = trimmed(&set.key, &one.key);
    out.nested(element::KEY, |out| out.bytes(element::VALUE, key));
    if let Some(last) = one.last.as_ref().filter(|_| !set.splits_intervals()) {
        let last = trimmed(&set.key, last);
        out.nested(element::KEY_END, |out| out.bytes(element::VALUE, last));
    }
    match &one.data {
        Data::Nothing => {}
        Data::Values(values) => {
            let values = trimmed(set.data_types(), values);
            out.nested(element::DATA, |out| out.bytes(element::VALUE, values));
        }
        Data::Verdict(verdict) => {
            out.nested(element::DATA, |out| compile::write_verdict(verdict, out));
        }
    }
    if let Some(comment) = &one.comment {
        out.bytes(element::USERDATA, &comment_data(comment));
    }
    out.close(item);
    if set.splits_intervals() {
        let mut behind = trimmed(&set.key, one.last.as_ref().unwrap_or(&one.key)).to_vec();
        if increment(&mut behind) {
            out.nested(LIST_ITEM, |out| {
                out.nested(element::KEY, |out| out.bytes(element::VALUE, &behind));
                out.be32(element::FLAGS, element::INTERVAL_END);
            });
        }
    }
}

/// A single value without the padding that values in a row have.
fn trimmed<'a>(types: &[Datatype], tuple: &'a Tuple) -> &'a [u8] {
    let bytes = tuple.as_bytes();
    &bytes[..Datatype::total_length(types).min(bytes.len())]
}

/// Adds one to a number in network order; `false` if there is no such number.
fn increment(number: &mut [u8]) -> bool {
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            return true;
        }
    }
    false
}

/// A comment as `nft` keeps it: kind, length, text with a closing zero byte; cut to what fits.
pub(crate) fn comment_data(comment: &str) -> Vec<u8> {
    const LONGEST: usize = 127;
    let mut end = comment.len().min(LONGEST);
    while !comment.is_char_boundary(end) {
        end -= 1;
    }
    let length = u8::try_from(end + 1).unwrap_or(u8::MAX);
    let mut data = vec![COMMENT, length];
    data.extend_from_slice(&comment.as_bytes()[..end]);
    data.push(0);
    data
}
