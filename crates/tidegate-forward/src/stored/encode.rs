//! Records as octets that follow any header with the same question.

use std::ops::Range;

use hickory_proto::ProtoError;
use hickory_proto::rr::{Name, RData, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

/// The length of a DNS header (RFC 1035, 4.1.1).
pub(super) const HEADER_LENGTH: usize = 12;

/// A pointer to the question's name, which follows the header in every reply (RFC 1035, 4.1.4).
const QUESTION_NAME: u16 = 0xc000 | HEADER_LENGTH as u16;

/// What is left free in the longest message, for the EDNS record of whoever passes a reply on.
const ROOM_FOR_EDNS: u16 = 64;

/// The octets of a TTL and of the length of the data behind it (RFC 1035, 4.1.3).
const TTL_AND_LENGTH: usize = 6;

/// The three sections of a reply behind its question.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) body: Box<[u8]>,
    /// Where in the body each record has its TTL.
    pub(super) ttl_places: Box<[u16]>,
    pub(super) runs: Box<[Run]>,
}

/// Neighbouring addresses of one name in the answer section, with one TTL, which may change places.
#[derive(Debug)]
pub(super) struct Run {
    /// Which of the [`Encoded::ttl_places`] are theirs.
    pub(super) places: Range<usize>,
    /// The octets of each address.
    width: usize,
}

impl Run {
    /// Where in the body the address of the record is whose TTL stands at `ttl_place`.
    pub(super) fn address_at(&self, ttl_place: u16) -> Range<usize> {
        let start = usize::from(ttl_place) + TTL_AND_LENGTH;
        start..start + self.width
    }
}

impl Encoded {
    /// Encodes all sections behind a question, whose octets are `question`.
    pub(super) fn new(
        question: &[u8],
        name: &Name,
        answers: &[Record],
        others: [&[Record]; 2],
    ) -> Result<Self, ProtoError> {
        let mut bytes = Vec::new();
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(u16::MAX - ROOM_FOR_EDNS);
        encoder.emit_vec(&[0; HEADER_LENGTH])?;
        name.emit(&mut encoder)?;
        let kind_and_class = question.get(encoder.offset() - HEADER_LENGTH..);
        encoder.emit_vec(kind_and_class.unwrap_or_default())?;
        let start = encoder.offset();
        let mut ttl_places = Vec::new();
        for record in answers.iter().chain(others.into_iter().flatten()) {
            let place = emit(record, name, &mut encoder)? - start;
            let place =
                u16::try_from(place).map_err(|_| ProtoError::Message("too long a reply"))?;
            ttl_places.push(place);
        }
        Ok(Self {
            body: bytes.split_off(start).into(),
            ttl_places: ttl_places.into(),
            runs: runs(answers),
        })
    }

    /// About how much memory it takes, without its own struct.
    pub(super) fn memory(&self) -> usize {
        self.body.len() + size_of_val(&*self.ttl_places) + size_of_val(&*self.runs)
    }
}

/// Writes one record and tells where its TTL is.
///
/// A record with the question's name points there: hickory's own compression gives up after some
/// names, as it has to search for them, and a thousand addresses would not fit any more.
fn emit(
    record: &Record,
    question_name: &Name,
    encoder: &mut BinEncoder<'_>,
) -> Result<usize, ProtoError> {
    if record.name == *question_name && !question_name.is_root() {
        encoder.emit_u16(QUESTION_NAME)?;
    } else {
        record.name.emit(encoder)?;
    }
    record.record_type().emit(encoder)?;
    record.dns_class.emit(encoder)?;
    let ttl_place = encoder.offset();
    encoder.emit_u32(record.ttl)?;
    let length = encoder.place::<u16>()?;
    record.data.emit(encoder)?;
    let written = u16::try_from(encoder.len_since_place(&length))
        .map_err(|_| ProtoError::Message("record data of more than 65,535 octets"))?;
    length.replace(encoder, written)?;
    Ok(ttl_place)
}

fn runs(answers: &[Record]) -> Box<[Run]> {
    let mut runs = Vec::new();
    let mut start = 0;
    for neighbours in answers.chunk_by(belong_together) {
        let places = start..start + neighbours.len();
        start = places.end;
        if places.len() > 1
            && let Some(width) = address_width(&neighbours[0])
        {
            runs.push(Run { places, width });
        }
    }
    runs.into()
}

fn belong_together(one: &Record, other: &Record) -> bool {
    one.record_type() == other.record_type()
        && one.name == other.name
        && one.dns_class == other.dns_class
        && one.ttl == other.ttl
}

fn address_width(record: &Record) -> Option<usize> {
    match record.data {
        RData::A(_) => Some(4),
        RData::AAAA(_) => Some(16),
        _ => None,
    }
}
