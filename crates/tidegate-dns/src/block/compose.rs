//! Replies put together from the records of others.

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};
use tidegate_dns_wire::{Code, Data, Kind, LowerName, Owner, Query, Reply, Section};

/// A packet that asks for another name than a query does, and is the same in everything else.
pub(super) fn ask_instead(query: &Query<'_>, name: &LowerName) -> Vec<u8> {
    let packet = query.packet();
    let name_end = tidegate_dns_wire::HEADER + query.name.as_wire().len();
    let mut changed = packet
        .get(..tidegate_dns_wire::HEADER)
        .unwrap_or_default()
        .to_vec();
    changed.extend(name.as_wire());
    changed.extend(packet.get(name_end..).unwrap_or_default());
    changed
}

/// The reply to a query, from one to another question whose records become these ones.
pub(super) fn reply_with(
    query: &Query<'_>,
    other: &Message,
    before: &[(Owner<'_>, u32, Data<'_>)],
    mut change: impl FnMut(&mut Record),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1500);
    let mut reply = Reply::passing_on(query, &mut out);
    reply.set_code(Code(u16::from(other.metadata.response_code)));
    if other.metadata.authoritative {
        reply.set_authoritative();
    }
    for (owner, ttl, data) in before {
        reply.add(Section::Answer, *owner, *ttl, data);
    }
    let sections = [
        (Section::Answer, &other.answers),
        (Section::Authority, &other.authorities),
        (Section::Additional, &other.additionals),
    ];
    for (section, records) in sections {
        for record in records {
            let mut record = record.clone();
            change(&mut record);
            add(&mut reply, section, &record);
        }
    }
    if other.metadata.truncation {
        reply.set_truncated();
    }
    reply.finish();
    out
}

/// Adds a record that another server gave.
pub(super) fn add(reply: &mut Reply<'_>, section: Section, record: &Record) {
    let (Some(owner), Some(data)) = (plain(&record.name), plain(&record.data)) else {
        return;
    };
    let kind = Kind(u16::from(record.record_type()));
    let owner = Owner::Name(owner.as_slice().into());
    reply.add(section, owner, record.ttl, &Data::Raw(kind, &data));
}

/// A name as others keep it.
pub(super) fn to_lower(name: &Name) -> Option<LowerName> {
    LowerName::from_wire(&plain(name)?).ok()
}

/// Something in wire form without compressed names.
fn plain(value: &impl BinEncodable) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    value.emit(&mut encoder).ok()?;
    Some(bytes)
}
