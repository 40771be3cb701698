//! A query as it is sent, and how its answer is known.

use hickory_proto::op::ResponseCode;

use crate::question::{OwnedQuestion, Question};

/// The length of a DNS header (RFC 1035, 4.1.1).
const HEADER_LENGTH: usize = 12;

/// The longest datagram that we ask for: what crosses every network without being fragmented (the
/// value that DNS software agreed on in 2020).
const UDP_PAYLOAD: u16 = 1232;

/// The type of EDNS's record (RFC 6891, 6.1.1).
const OPT: u16 = 41;

/// The DO flag in EDNS's record (RFC 3225).
const DNSSEC_OK: u16 = 0x8000;

/// Flags of a header (RFC 1035, 4.1.1; RFC 4035, 3.2), as the number in its second two octets.
mod flag {
    pub(super) const RESPONSE: u16 = 0x8000;
    pub(super) const OPCODE: u16 = 0x7800;
    pub(super) const TRUNCATED: u16 = 0x0200;
    pub(super) const RECURSION_DESIRED: u16 = 0x0100;
    pub(super) const AUTHENTIC: u16 = 0x0020;
    pub(super) const CHECKING_DISABLED: u16 = 0x0010;
    pub(super) const RESPONSE_CODE: u16 = 0x000f;
}

/// A query under an identifier that nobody can guess.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) packet: Vec<u8>,
    id: u16,
    section: Vec<u8>,
}

impl Query {
    pub(super) fn new(question: &OwnedQuestion, with_edns: bool) -> Self {
        // An upstream says whether it validated a reply to those only who show interest
        // (RFC 6840, 5.7).
        let mut flags = flag::RECURSION_DESIRED | flag::AUTHENTIC;
        if question.checking_disabled {
            flags |= flag::CHECKING_DISABLED;
        }
        let edns = with_edns.then_some(question.dnssec_ok);
        Self::with_flags(&question.as_question(), flags, edns)
    }

    /// What a health check asks.
    pub(super) fn probe(question: &Question<'_>, recursion_desired: bool) -> Self {
        let flags = match recursion_desired {
            true => flag::RECURSION_DESIRED,
            false => 0,
        };
        Self::with_flags(question, flags, None)
    }

    /// `edns` says whether DNSSEC's records are wanted, in a record of its own.
    fn with_flags(question: &Question<'_>, flags: u16, edns: Option<bool>) -> Self {
        let id = rand::random();
        let section = question.section();
        let additionals = u16::from(edns.is_some());
        let mut packet = Vec::with_capacity(HEADER_LENGTH + section.len() + 11);
        for number in [id, flags, 1, 0, 0, additionals] {
            packet.extend(number.to_be_bytes());
        }
        packet.extend(&section);
        if let Some(dnssec_ok) = edns {
            let flags = if dnssec_ok { DNSSEC_OK } else { 0 };
            packet.push(0);
            for number in [OPT, UDP_PAYLOAD, 0, flags, 0] {
                packet.extend(number.to_be_bytes());
            }
        }
        Self {
            packet,
            id,
            section,
        }
    }

    /// Whether a message answers this query. A server that couldn't read the query may leave the
    /// question out.
    pub(super) fn is_answered_by(&self, message: &[u8]) -> bool {
        let Some((header, rest)) = message.split_first_chunk::<HEADER_LENGTH>() else {
            return false;
        };
        let [id, flags, questions] =
            [0, 2, 4].map(|place| u16::from_be_bytes([header[place], header[place + 1]]));
        let same_question = match questions {
            0 => flags & flag::RESPONSE_CODE == u16::from(ResponseCode::FormErr),
            1 => rest
                .get(..self.section.len())
                .is_some_and(|section| section.eq_ignore_ascii_case(&self.section)),
            _ => false,
        };
        id == self.id && flags & flag::RESPONSE != 0 && flags & flag::OPCODE == 0 && same_question
    }
}

/// Whether a message that answers a query was cut off.
pub(super) fn is_truncated(message: &[u8]) -> bool {
    flags(message) & flag::TRUNCATED != 0
}

/// Whether a message says that the query could not be read.
pub(super) fn is_format_error(message: &[u8]) -> bool {
    flags(message) & flag::RESPONSE_CODE == u16::from(ResponseCode::FormErr)
}

fn flags(message: &[u8]) -> u16 {
    match message {
        [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}
