//! Replies as bytes.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, HeaderCounts, Metadata, ResponseCode, emit_message_parts};
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::compact::Compact;
use super::request::ClientEdns;
use super::{Request, UDP_PAYLOAD};
use crate::zone::Answer;

/// The length of an OPT record without options (RFC 6891, 6.1.2).
const OPT_LENGTH: u16 = 11;

/// Writes the zone's answer down.
///
/// Additional records go first when there is no room, without a trace, as they only save a
/// question. If the answers still don't fit, as many as do are sent with the TC flag.
/// `truncated` says that another server already left some out.
pub(crate) fn reply(request: &Request, answer: &Answer, truncated: bool) -> Vec<u8> {
    let mut draft = Draft::new(request, answer.code);
    draft.metadata.authoritative = true;
    draft.metadata.truncation = truncated;
    draft.answers = &answer.answers;
    draft.authority = &answer.authority;
    draft.additional = &answer.additional;
    draft
        .write(request.longest_own_reply())
        .unwrap_or_else(|_| refuse_header(&request.metadata, ResponseCode::ServFail))
}

/// Refuses a question that was understood.
pub(crate) fn refuse(request: &Request, code: ResponseCode) -> Vec<u8> {
    Draft::new(request, code)
        .write(u16::MAX)
        .unwrap_or_else(|_| refuse_header(&request.metadata, code))
}

/// Tells a client to ask again over TCP, in place of another server's reply that is too long.
pub(crate) fn cut_short(request: &Request) -> Vec<u8> {
    let mut draft = Draft::new(request, ResponseCode::NoError);
    draft.metadata.truncation = true;
    draft
        .write(u16::MAX)
        .unwrap_or_else(|_| refuse_header(&request.metadata, ResponseCode::ServFail))
}

/// Refuses a packet whose question can't be repeated.
pub(super) fn refuse_header(request: &Metadata, code: ResponseCode) -> Vec<u8> {
    let mut metadata = Metadata::response_from_request(request);
    metadata.response_code = code;
    let header = Header {
        metadata,
        counts: HeaderCounts::default(),
    };
    // Twelve octets can't be too many for a message: no reply is what is left if they were.
    header.to_bytes().unwrap_or_default()
}

/// A reply before it is known what fits.
struct Draft<'a> {
    request: &'a Request,
    metadata: Metadata,
    edns: Option<Edns>,
    answers: &'a [Record],
    authority: &'a [Record],
    additional: &'a [Record],
}

impl<'a> Draft<'a> {
    fn new(request: &'a Request, code: ResponseCode) -> Self {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.recursion_available = true;
        metadata.response_code = code;
        Self {
            request,
            metadata,
            edns: request.edns.map(own_edns),
            answers: &[],
            authority: &[],
            additional: &[],
        }
    }

    fn write(mut self, limit: u16) -> Result<Vec<u8>, ProtoError> {
        let (counts, bytes) = self.encode(limit)?;
        if self.is_whole(&counts) {
            return Ok(bytes);
        }
        self.additional = &[];
        let (counts, bytes) = self.encode(limit)?;
        if self.is_whole(&counts) {
            return Ok(bytes);
        }
        self.authority = &[];
        self.metadata.truncation = true;
        let edns = self.edns.take();
        let reserved = edns.as_ref().map_or(0, |_| OPT_LENGTH);
        let (counts, _) = self.encode(limit.saturating_sub(reserved))?;
        self.edns = edns;
        self.answers = &self.answers[..usize::from(counts.answers)];
        Ok(self.encode(limit)?.1)
    }

    /// Writes as much as `limit` allows and says how much that was.
    fn encode(&self, limit: u16) -> Result<(HeaderCounts, Vec<u8>), ProtoError> {
        let question_name = &self.request.query.name;
        let answers: Vec<_> = self
            .answers
            .iter()
            .map(|record| Compact {
                record,
                question_name,
            })
            .collect();
        let mut bytes = Vec::with_capacity(usize::from(UDP_PAYLOAD));
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_max_size(limit);
        let header = emit_message_parts(
            &self.metadata,
            &mut std::iter::once(&self.request.query),
            &mut answers.iter(),
            &mut self.authority.iter(),
            &mut self.additional.iter(),
            self.edns.as_ref(),
            None,
            &mut encoder,
        )?;
        Ok((header.counts, bytes))
    }

    fn is_whole(&self, counts: &HeaderCounts) -> bool {
        let wanted = [
            self.answers.len(),
            self.authority.len(),
            self.additional.len() + usize::from(self.edns.is_some()),
        ];
        wanted == [counts.answers, counts.authorities, counts.additionals].map(usize::from)
    }
}

fn own_edns(client: ClientEdns) -> Edns {
    let mut edns = Edns::new();
    edns.set_max_payload(UDP_PAYLOAD);
    edns.flags_mut().dnssec_ok = client.dnssec_ok;
    edns
}
