//! Replies, written in one go.

use crate::query::Query;
use std::net::IpAddr;

use crate::record::{Data, Target};
use crate::{Code, HEADER, Kind, UDP_PAYLOAD};

/// The length of an OPT record without options (RFC 6891, 6.1.2).
const OPT_LENGTH: usize = 11;

/// The third octet of the header: this is an answer, it is authoritative, it was cut short.
const IS_ANSWER: u8 = 0x80;
const AUTHORITATIVE: u8 = 0x04;
const TRUNCATED: u8 = 0x02;
/// The operation and whether recursion is desired, which an answer repeats.
const REPEATED: u8 = 0x79;

/// The fourth octet: recursion is available, the data is authentic, checking is disabled.
const RECURSION_AVAILABLE: u8 = 0x80;
const AUTHENTIC: u8 = 0x20;
const CHECKING_DISABLED: u8 = 0x10;

/// The parts of a reply, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// What was asked for.
    Answer,
    /// Whose word it is; the SOA record that comes with "no".
    Authority,
    /// What saves another question.
    Additional,
}

/// Whose record it is.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The question's name.
    Question,
    /// The name that begins here in the reply.
    At(u16),
    /// Another name.
    Name(Target<'a>),
}

/// How far a reply had been written at some moment.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    length: usize,
    counts: [u16; 3],
    section: (Section, usize),
    is_truncated: bool,
    is_full: bool,
}

/// A reply that is being written.
///
/// What doesn't fit is left out as RFC 2181 (9) wants it: additional records go without a trace, as
/// they only save a question; of answers as many are sent as fit, with the TC flag.
#[derive(Debug)]
pub struct Reply<'b> {
    out: &'b mut Vec<u8>,
    /// Where the message begins in the buffer.
    start: usize,
    limit: usize,
    /// Where the section begins that is written at this time.
    section: (Section, usize),
    counts: [u16; 3],
    code: Code,
    flags: [u8; 2],
    edns: Option<bool>,
    is_full: bool,
}

impl<'b> Reply<'b> {
    /// Begins the reply to a query behind what is in the buffer.
    #[inline]
    pub fn to(query: &Query<'_>, out: &'b mut Vec<u8>) -> Self {
        let limit = query.longest_own_reply();
        Self::new(query, out, limit)
    }

    /// The same for a reply that somebody else made, and that only the client limits.
    pub fn passing_on(query: &Query<'_>, out: &'b mut Vec<u8>) -> Self {
        let limit = query.longest_reply();
        Self::new(query, out, limit)
    }

    #[inline]
    fn new(query: &Query<'_>, out: &'b mut Vec<u8>, limit: usize) -> Self {
        let [first, second, third, fourth] = query.header();
        let start = out.len();
        out.extend([first, second, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        out.extend(query.question());
        let edns = query.edns.map(|edns| edns.dnssec_ok);
        let section = (Section::Answer, out.len());
        Self {
            out,
            start,
            limit: limit - edns.map_or(0, |_| OPT_LENGTH),
            section,
            counts: [0; 3],
            code: Code::NO_ERROR,
            flags: [
                IS_ANSWER | (third & REPEATED),
                RECURSION_AVAILABLE | (fourth & CHECKING_DISABLED),
            ],
            edns,
            is_full: false,
        }
    }

    /// Answers a packet of which only the header makes sense.
    pub fn refuse_header(header: &[u8], code: Code, out: &mut Vec<u8>) {
        let mut reply = [0; HEADER];
        if let Some(header) = header.get(..4) {
            reply[..2].copy_from_slice(&header[..2]);
            reply[2] = IS_ANSWER | (header[2] & REPEATED);
            reply[3] = (header[3] & CHECKING_DISABLED) | (code.0 & 0x0f) as u8;
        }
        out.extend(reply);
    }

    /// Refuses a question that was understood.
    pub fn refuse(query: &Query<'_>, code: Code, out: &'b mut Vec<u8>) {
        let mut reply = Self::to(query, out);
        reply.set_code(code);
        reply.finish();
    }

    /// Says what the reply is as a whole.
    #[inline]
    pub fn set_code(&mut self, code: Code) {
        self.code = code;
    }

    /// What was said so far.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Says that this is the word of whom the names belong to.
    #[inline]
    pub fn set_authoritative(&mut self) {
        self.flags[0] |= AUTHORITATIVE;
    }

    /// Says that somebody has validated the data.
    pub fn set_authentic(&mut self) {
        self.flags[1] |= AUTHENTIC;
    }

    /// Says that something is missing.
    pub fn set_truncated(&mut self) {
        self.flags[0] |= TRUNCATED;
    }

    /// Whether something is missing.
    pub fn is_truncated(&self) -> bool {
        self.flags[0] & TRUNCATED != 0
    }

    /// How many records there are in a section.
    pub fn count(&self, section: Section) -> u16 {
        self.counts[section as usize]
    }

    /// Adds a record, and says where in the reply the name in its data begins, if it was added and
    /// can be pointed to. Sections come in their order; a record for an earlier one than the last
    /// is left out.
    #[inline]
    pub fn add(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        ttl: u32,
        data: &Data<'_>,
    ) -> Option<u16> {
        if section != self.section.0 {
            if section < self.section.0 {
                return None;
            }
            self.section = (section, self.out.len());
            self.is_full = self.is_truncated();
        }
        if self.is_full {
            return None;
        }
        let before = self.out.len();
        match owner {
            Owner::Question => self.out.extend(pointer(HEADER as u16)),
            Owner::At(offset) => self.out.extend(pointer(offset)),
            Owner::Name(name) => name.write(self.out),
        }
        self.out.extend(data.kind().0.to_be_bytes());
        self.out.extend([0, 1]);
        self.out.extend(ttl.to_be_bytes());
        let length_at = self.out.len();
        self.out.extend([0, 0]);
        data.write(self.out);
        let length = self.out.len() - length_at - 2;
        let is_too_long = self.out.len() - self.start > self.limit;
        let (Ok(length), false) = (u16::try_from(length), is_too_long) else {
            self.out.truncate(before);
            self.overflow();
            return None;
        };
        if let Some(place) = self.out.get_mut(length_at..length_at + 2) {
            place.copy_from_slice(&length.to_be_bytes());
        }
        self.counts[section as usize] += 1;
        let name_at = length_at + 2 + data.name_at() - self.start;
        u16::try_from(name_at).ok().filter(|at| *at < 0x4000)
    }

    /// Answers with those addresses that a question for this type asks for, moved on by `turn` places
    /// among themselves. They are looked for several times.
    #[inline]
    pub fn answer_addresses<I: Iterator<Item = IpAddr>>(
        &mut self,
        kind: Kind,
        owner: Owner<'_>,
        ttl: u32,
        turn: usize,
        find: impl Fn() -> I,
    ) {
        let wanted = |address: &IpAddr| match kind {
            Kind::A => address.is_ipv4(),
            Kind::AAAA => address.is_ipv6(),
            _ => false,
        };
        let all = || find().filter(wanted);
        let first = turn.checked_rem(all().count()).unwrap_or_default();
        for address in all().skip(first).chain(all().take(first)) {
            self.add(Section::Answer, owner, ttl, &Data::from(address));
        }
    }

    /// Adds everything behind the question of a reply of somebody else, of which this many records
    /// are in each section. If it doesn't fit, nothing is added and the client is told to come
    /// back over TCP.
    pub fn add_body(&mut self, counts: [u16; 3], write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.out.len();
        write(self.out);
        if self.out.len() - self.start > self.limit {
            self.out.truncate(before);
            self.set_truncated();
            return;
        }
        self.counts = counts;
        self.section = (Section::Additional, self.out.len());
    }

    /// Notes what has been written so far.
    pub fn mark(&self) -> Mark {
        Mark {
            length: self.out.len() - self.start,
            counts: self.counts,
            section: self.section,
            is_truncated: self.is_truncated(),
            is_full: self.is_full,
        }
    }

    /// Takes back what was written since.
    pub fn take_back(&mut self, mark: Mark) {
        self.out.truncate(self.start + mark.length);
        self.counts = mark.counts;
        self.section = mark.section;
        self.is_full = mark.is_full;
        if !mark.is_truncated {
            self.flags[0] &= !TRUNCATED;
        }
    }

    /// Leaves the buffer as it was before.
    pub fn abandon(self) {
        self.out.truncate(self.start);
    }

    /// Writes down what has been said about the whole.
    #[inline]
    pub fn finish(mut self) {
        let extended = (self.code.0 >> 4) as u8;
        if let Some(dnssec_ok) = self.edns {
            let [high, low] = UDP_PAYLOAD.to_be_bytes();
            let flags = if dnssec_ok { 0x80 } else { 0 };
            self.out
                .extend([0, 0, 41, high, low, extended, 0, flags, 0, 0, 0]);
            self.counts[2] += 1;
        }
        let [answers, authority, additional] = self.counts.map(u16::to_be_bytes);
        let code = (self.code.0 & 0x0f) as u8;
        let start = self.start;
        if let Some(header) = self.out.get_mut(start + 2..start + HEADER) {
            header[0] = self.flags[0];
            header[1] = self.flags[1] | code;
            header[4..6].copy_from_slice(&answers);
            header[6..8].copy_from_slice(&authority);
            header[8..10].copy_from_slice(&additional);
        }
    }

    fn overflow(&mut self) {
        self.is_full = true;
        match self.section.0 {
            Section::Additional => {
                self.out.truncate(self.section.1);
                self.counts[Section::Additional as usize] = 0;
            }
            Section::Answer | Section::Authority => self.set_truncated(),
        }
    }
}

/// A pointer to a name that begins at this octet of the message (RFC 1035, 4.1.4).
#[inline]
fn pointer(offset: u16) -> [u8; 2] {
    (0xc000 | offset).to_be_bytes()
}
