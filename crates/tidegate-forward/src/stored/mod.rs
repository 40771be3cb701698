//! A reply, ready to be sent again.

mod age;
mod encode;
mod normalise;
#[cfg(test)]
mod tests;

use std::time::Instant;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::serialize::binary::DecodeError;

use crate::cache::Demand;
use crate::question::Question;
pub(crate) use age::Age;
use encode::{Encoded, HEADER_LENGTH, Run};
pub(crate) use normalise::{NormaliseError, Reply};

/// A reply of an upstream, normalised once: what stands behind the question of any message that
/// passes it on, and what its header says.
#[derive(Debug)]
pub struct Stored {
    response_code: ResponseCode,
    authoritative: bool,
    authentic: bool,
    truncated: bool,
    answers: u16,
    authorities: u16,
    additionals: u16,
    encoded: Encoded,
    pub(crate) age: Age,
    pub(crate) demand: Demand,
}

impl Stored {
    fn new(reply: &Reply, encoded: Encoded, age: Age) -> Self {
        let count = |records: &[_]| u16::try_from(records.len()).unwrap_or(u16::MAX);
        Self {
            response_code: reply.metadata.response_code,
            authoritative: reply.metadata.authoritative,
            authentic: reply.metadata.authentic_data,
            truncated: reply.metadata.truncation,
            answers: count(&reply.answers),
            authorities: count(&reply.authorities),
            additionals: count(&reply.additionals),
            encoded,
            age,
            demand: Demand::default(),
        }
    }

    /// What became of the question. Codes above 15 need EDNS (RFC 6891, 6.1.3).
    pub fn response_code(&self) -> ResponseCode {
        self.response_code
    }

    /// Whether the upstream said that it has authority over the name (AA).
    pub fn authoritative(&self) -> bool {
        self.authoritative
    }

    /// Whether the upstream said that it has validated the reply (AD). It is always asked to say
    /// so; a client that asked neither for AD nor for DNSSEC's records is not told (RFC 6840, 5.8).
    pub fn authentic(&self) -> bool {
        self.authentic
    }

    /// Whether the upstream cut the reply off (TC), and over TCP it was not wanted or not to be
    /// had. Such a reply is never kept.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// How many records the answer section has.
    pub fn answers(&self) -> u16 {
        self.answers
    }

    /// How many records the authority section has.
    pub fn authorities(&self) -> u16 {
        self.authorities
    }

    /// How many records the additional section has; EDNS's own is never among them.
    pub fn additionals(&self) -> u16 {
        self.additionals
    }

    /// How many octets [`Stored::write_body`] appends.
    pub fn body_len(&self) -> usize {
        self.encoded.body.len()
    }

    /// Appends all that stands behind the question in a message that passes this reply on: a
    /// header of 12 octets and one question for the same name, in whatever letters, have to
    /// precede it there.
    ///
    /// TTLs are what remains of them `now`. Among the addresses of one name the one at `turn`
    /// (counted from 0, around and around) comes first.
    pub fn write_body(&self, out: &mut Vec<u8>, now: Instant, turn: usize) {
        let start = out.len();
        out.extend_from_slice(&self.encoded.body);
        let body = &mut out[start..];
        for place in &self.encoded.ttl_places {
            let Some(ttl) = body[usize::from(*place)..].first_chunk_mut() else {
                continue;
            };
            *ttl = self
                .age
                .remaining(u32::from_be_bytes(*ttl), now)
                .to_be_bytes();
        }
        for run in &self.encoded.runs {
            self.rotate(run, body, turn);
        }
    }

    /// The reply as a message with the question `question`, for those who take its records apart.
    ///
    /// # Errors
    ///
    /// Says what can't be read if `question` is not the one that this reply answers.
    pub fn to_message(
        &self,
        question: &Question<'_>,
        now: Instant,
    ) -> Result<Message, DecodeError> {
        let mut message = self.header().to_vec();
        message.extend(question.section());
        self.write_body(&mut message, now, 0);
        Message::from_vec(&message)
    }

    /// About how much memory it takes.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>() + self.encoded.memory()
    }

    fn header(&self) -> [u8; HEADER_LENGTH] {
        let [answers, authorities, additionals] =
            [self.answers, self.authorities, self.additionals].map(u16::to_be_bytes);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        [
            0,
            0,
            0x80 | flag(self.authoritative, 0x04) | flag(self.truncated, 0x02),
            0x80 | flag(self.authentic, 0x20) | self.response_code.low(),
            0,
            1,
            answers[0],
            answers[1],
            authorities[0],
            authorities[1],
            additionals[0],
            additionals[1],
        ]
    }

    /// Moves the addresses of a run only: the rest of their records is the same in all.
    fn rotate(&self, run: &Run, body: &mut [u8], turn: usize) {
        let count = run.places.len();
        let addresses = &self.encoded.ttl_places[run.places.clone()];
        for (place, to) in addresses.iter().enumerate() {
            let from = addresses[(place + turn % count) % count];
            let from = run.address_at(from);
            let to = run.address_at(*to);
            body[to].copy_from_slice(&self.encoded.body[from]);
        }
    }
}
