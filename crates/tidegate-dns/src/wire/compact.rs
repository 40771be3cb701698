//! Records whose owner is the question's name, written as short as they can be.

use hickory_proto::ProtoError;
use hickory_proto::rr::{Name, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

/// A pointer to the question's name, which follows the header in every reply (RFC 1035, 4.1.4).
const QUESTION_NAME: u16 = 0xc000 | super::HEADER_LENGTH as u16;

/// A record that points to the question for its name, if that is its name.
///
/// hickory's own compression gives up after 120 names, as it has to search for them; with it, a
/// headless Service of a thousand pods would not fit even into a TCP reply.
pub(super) struct Compact<'a> {
    pub(super) record: &'a Record,
    pub(super) question_name: &'a Name,
}

impl BinEncodable for Compact<'_> {
    fn emit(&self, encoder: &mut BinEncoder<'_>) -> Result<(), ProtoError> {
        let record = self.record;
        if !record.name.eq_case(self.question_name) {
            return record.emit(encoder);
        }
        encoder.emit_u16(QUESTION_NAME)?;
        record.record_type().emit(encoder)?;
        record.dns_class.emit(encoder)?;
        encoder.emit_u32(record.ttl)?;
        let length = encoder.place::<u16>()?;
        record.data.emit(encoder)?;
        let written = u16::try_from(encoder.len_since_place(&length))
            .map_err(|_| ProtoError::Message("record data of more than 65,535 octets"))?;
        length.replace(encoder, written)
    }
}
