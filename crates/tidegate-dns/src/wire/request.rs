//! A packet from a client, read.

use hickory_proto::op::{Header, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::reply::refuse_header;
use super::{HEADER_LENGTH, PLAIN_UDP_PAYLOAD, Transport, UDP_PAYLOAD};
use crate::zone::Question;

/// One question that is to be answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(super) metadata: Metadata,
    pub(super) query: Query,
    pub(super) edns: Option<ClientEdns>,
    transport: Transport,
}

/// What a client says about itself in its OPT record (RFC 6891).
#[derive(Clone, Copy, Debug)]
pub(super) struct ClientEdns {
    version: u8,
    payload: u16,
    pub(super) dnssec_ok: bool,
}

/// A packet that leads to no question.
#[derive(Debug)]
pub(crate) enum Unanswerable {
    /// Nothing must be sent: an answer, or too short to tell whom one would answer.
    Ignored,
    /// Not a well-formed query; the reply says so.
    Malformed(Vec<u8>),
    /// Well-formed, but not something that this server does; the reply says so.
    Unsupported(Vec<u8>),
}

impl Request {
    /// Reads a packet.
    ///
    /// What is ignored and what is refused follows CoreDNS: answers are ignored so that two
    /// servers never talk in circles; other operations get NOTIMP; packets with more or fewer than
    /// one question, or with more records than a query has, FORMERR; other classes and zone
    /// transfers REFUSED; other versions of EDNS BADVERS.
    pub(crate) fn read(packet: &[u8], transport: Transport) -> Result<Self, Unanswerable> {
        let Some(Ok(header)) = packet.get(..HEADER_LENGTH).map(Header::from_bytes) else {
            return Err(Unanswerable::Ignored);
        };
        let metadata = header.metadata;
        if metadata.message_type == MessageType::Response {
            return Err(Unanswerable::Ignored);
        }
        if metadata.op_code != OpCode::Query {
            let reply = refuse_header(&metadata, ResponseCode::NotImp);
            return Err(Unanswerable::Unsupported(reply));
        }
        let malformed = || Unanswerable::Malformed(refuse_header(&metadata, ResponseCode::FormErr));
        let counts = header.counts;
        if counts.queries != 1
            || counts.answers > 1
            || counts.authorities > 1
            || counts.additionals > 2
        {
            return Err(malformed());
        }
        let mut message = Message::read(&mut BinDecoder::new(packet)).map_err(|_| malformed())?;
        let query = message.queries.pop().ok_or_else(malformed)?;
        let request = Self {
            metadata,
            query,
            edns: message.edns.map(|edns| ClientEdns {
                version: edns.version(),
                payload: edns.max_payload(),
                dnssec_ok: edns.flags().dnssec_ok,
            }),
            transport,
        };
        match request.refused() {
            Some(code) => Err(Unanswerable::Unsupported(super::refuse(&request, code))),
            None => Ok(request),
        }
    }

    fn refused(&self) -> Option<ResponseCode> {
        if self.edns.is_some_and(|edns| edns.version != 0) {
            return Some(ResponseCode::BADVERS);
        }
        let transfer = matches!(self.query.query_type, RecordType::AXFR | RecordType::IXFR);
        (transfer || self.query.query_class != DNSClass::IN).then_some(ResponseCode::Refused)
    }

    pub(crate) fn question(&self) -> Question {
        Question {
            name: self.query.name.clone(),
            kind: self.query.query_type,
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }

    /// The longest reply that the client can take.
    pub(crate) fn longest_reply(&self) -> usize {
        match self.transport {
            Transport::Tcp => usize::from(u16::MAX),
            Transport::Udp => usize::from(
                self.edns
                    .map_or(PLAIN_UDP_PAYLOAD, |edns| edns.payload)
                    .max(PLAIN_UDP_PAYLOAD),
            ),
        }
    }

    /// The longest reply of our own making.
    pub(super) fn longest_own_reply(&self) -> u16 {
        match self.transport {
            Transport::Tcp => u16::MAX,
            Transport::Udp => self
                .edns
                .map_or(PLAIN_UDP_PAYLOAD, |edns| edns.payload)
                .clamp(PLAIN_UDP_PAYLOAD, UDP_PAYLOAD),
        }
    }
}
