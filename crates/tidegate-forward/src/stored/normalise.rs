//! From the packet of an upstream to a reply that may be kept and passed on.

use std::time::Instant;

use hickory_proto::ProtoError;
use hickory_proto::op::{Message, Metadata};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, DecodeError};

use super::encode::Encoded;
use super::{Age, Stored};
use crate::question::Question;

/// What an upstream said, without what concerns only it and us (EDNS, signatures of messages).
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) name: Name,
    pub(crate) metadata: Metadata,
    pub(crate) answers: Vec<Record>,
    pub(crate) authorities: Vec<Record>,
    pub(crate) additionals: Vec<Record>,
}

/// Why a reply can't be passed on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NormaliseError {
    #[error("the reply can't be read: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("the reply can't be written again: {0}")]
    Unwritable(#[from] ProtoError),
    #[error("the reply has a record of type {0} whose names are compressed in a way nobody knows")]
    UnknownCompression(RecordType),
}

impl Reply {
    /// Reads a packet that is known to answer `question`.
    ///
    /// Of a reply that was cut off in the middle of a record, what counts is that it was.
    pub(crate) fn read(question: &Question<'_>, packet: &[u8]) -> Result<Self, NormaliseError> {
        let name = Name::from_bytes(question.name)?;
        let message = match Message::from_vec(packet) {
            Ok(message) => message,
            Err(error) => match cut_off(packet) {
                Some(message) => message,
                None => return Err(error.into()),
            },
        };
        let mut additionals = message.additionals;
        additionals
            .retain(|record| !matches!(record.record_type(), RecordType::SIG | RecordType::TSIG));
        let reply = Self {
            name,
            metadata: message.metadata,
            answers: message.answers,
            authorities: message.authorities,
            additionals,
        };
        if let Some(record) = reply.records().find(|record| holds_pointers(&record.data)) {
            return Err(NormaliseError::UnknownCompression(record.record_type()));
        }
        Ok(reply)
    }

    /// The reply, ready to be sent again.
    pub(crate) fn store(
        &self,
        question: &Question<'_>,
        age: Age,
    ) -> Result<Stored, NormaliseError> {
        let encoded = Encoded::new(
            &question.section(),
            &self.name,
            &self.answers,
            [&self.authorities, &self.additionals],
        )?;
        Ok(Stored::new(self, encoded, age))
    }

    /// As [`Reply::store`], to be passed on and forgotten.
    pub(crate) fn pass_on(
        &self,
        question: &Question<'_>,
        now: Instant,
    ) -> Result<Stored, NormaliseError> {
        self.store(question, Age::unkept(now))
    }

    /// The records of all sections.
    pub(crate) fn records(&self) -> impl Iterator<Item = &Record> {
        self.answers
            .iter()
            .chain(&self.authorities)
            .chain(&self.additionals)
    }

    /// As [`Reply::records`], to be changed.
    pub(crate) fn records_mut(&mut self) -> impl Iterator<Item = &mut Record> {
        self.answers
            .iter_mut()
            .chain(&mut self.authorities)
            .chain(&mut self.additionals)
    }
}

/// A reply without records, if the packet says of itself that it was cut off.
fn cut_off(packet: &[u8]) -> Option<Message> {
    let header = packet.first_chunk::<12>()?;
    let mut alone = *header;
    alone[4..].fill(0);
    let message = Message::from_vec(&alone).ok()?;
    message.metadata.truncation.then_some(message)
}

/// Types from before RFC 3597 that hickory-proto keeps as they came, with how many octets precede
/// the names in their data. Their names may point into the message that they came in, and these
/// pointers lead elsewhere in any other: MD, MF, MB, MG, MR, MINFO, RP, AFSDB, RT, PX.
const OLD_TYPES: [(u16, usize); 10] = [
    (3, 0),
    (4, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (14, 0),
    (17, 0),
    (18, 2),
    (21, 2),
    (26, 2),
];

fn holds_pointers(data: &RData) -> bool {
    let RData::Unknown { code, rdata } = data else {
        return false;
    };
    let code = u16::from(*code);
    let Some((_, prefix)) = OLD_TYPES.iter().find(|(kind, _)| *kind == code) else {
        return false;
    };
    let mut rest = rdata.anything.get(*prefix..).unwrap_or_default();
    while let Some((length, after)) = rest.split_first() {
        if *length > 63 {
            return true;
        }
        rest = after.get(usize::from(*length)..).unwrap_or_default();
    }
    false
}
