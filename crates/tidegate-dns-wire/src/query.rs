//! A packet from a client, read.

use crate::compressed::skip_name;
use crate::name::LowerName;
use crate::{Code, HEADER, Kind, PLAIN_UDP_PAYLOAD, UDP_PAYLOAD};

/// The class of the internet, the only one that anybody asks for.
const CLASS_IN: u16 = 1;

/// How a query came in, which says how long its answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram.
    Udp,
    /// A message on a connection.
    Tcp,
}

/// One question that is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Query<'p> {
    packet: &'p [u8],
    /// Where the question ends.
    end: usize,
    /// The name in lower case.
    pub name: LowerName,
    /// The type that is asked for.
    pub kind: Kind,
    /// What the client says about itself, if it does.
    pub edns: Option<ClientEdns>,
    /// How the question came.
    pub transport: Transport,
    /// At which octet the TSIG record begins, if one ends the packet.
    pub signature: Option<usize>,
    /// What to refuse it with, if this is well-formed and not what anybody here answers: another
    /// class, or another version of EDNS.
    pub refusal: Option<Code>,
}

/// What a client says in its OPT record (RFC 6891).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientEdns {
    version: u8,
    payload: u16,
    /// Whether it wants signatures.
    pub dnssec_ok: bool,
}

/// A packet that leads to no question.
#[derive(Debug)]
pub enum Unanswerable<'p> {
    /// Nothing must be sent: an answer, or too short to tell whom one would answer.
    Ignored,
    /// The header is all that can be made sense of: tell the client so.
    Header(&'p [u8], Code),
}

impl<'p> Query<'p> {
    /// Reads a packet.
    ///
    /// What is ignored and what is refused follows CoreDNS: answers are ignored so that two
    /// servers never talk in circles; other operations get NOTIMP; packets with more or fewer than
    /// one question, or with more records than a query has, FORMERR; other classes REFUSED; other
    /// versions of EDNS BADVERS. The last two are in [`Query::refusal`].
    ///
    /// # Errors
    /// There is no question; says what to do instead.
    #[inline]
    pub fn read(packet: &'p [u8], transport: Transport) -> Result<Self, Unanswerable<'p>> {
        let Some(header) = packet.get(..HEADER) else {
            return Err(Unanswerable::Ignored);
        };
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        if header[2] & 0x80 != 0 {
            return Err(Unanswerable::Ignored);
        }
        if header[2] & 0x78 != 0 {
            return Err(Unanswerable::Header(header, Code::NOT_IMPLEMENTED));
        }
        let malformed = || Unanswerable::Header(header, Code::FORMAT_ERROR);
        let [questions, answers, authority, additional] = [4, 6, 8, 10].map(number);
        if questions != 1 || answers > 1 || authority > 1 || additional > 2 {
            return Err(malformed());
        }
        let rest = packet.get(HEADER..).unwrap_or_default();
        let name = LowerName::from_wire(rest).map_err(|_| malformed())?;
        let name_end = HEADER + name.as_wire().len();
        let end = name_end + 4;
        let fixed = packet.get(name_end..end).ok_or_else(malformed)?;
        let mut query = Self {
            packet,
            end,
            name,
            kind: Kind(u16::from_be_bytes([fixed[0], fixed[1]])),
            edns: None,
            transport,
            signature: None,
            refusal: None,
        };
        let records = answers + authority + additional;
        query
            .read_records(records, additional)
            .ok_or_else(malformed)?;
        query.refusal = if query.edns.is_some_and(|edns| edns.version != 0) {
            Some(Code::BAD_VERSION)
        } else {
            let class = u16::from_be_bytes([fixed[2], fixed[3]]);
            (class != CLASS_IN).then_some(Code::REFUSED)
        };
        Ok(query)
    }

    /// Looks for OPT and TSIG among the records. At most one OPT may be there, and its owner must
    /// be the root (RFC 6891, 6.1.1); TSIG must be the last (RFC 8945, 5.1); nothing may follow.
    fn read_records(&mut self, records: u16, additional: u16) -> Option<()> {
        let mut at = self.end;
        for index in 0..records {
            let owner = at;
            at = skip_name(self.packet, at)?;
            let fixed = self.packet.get(at..at + 10)?;
            let kind = Kind(u16::from_be_bytes([fixed[0], fixed[1]]));
            let payload = u16::from_be_bytes([fixed[2], fixed[3]]);
            let length = usize::from(u16::from_be_bytes([fixed[8], fixed[9]]));
            at += 10;
            self.packet.get(at..at + length)?;
            at += length;
            let is_additional = index >= records - additional;
            match kind {
                Kind::OPT => {
                    let is_alone = is_additional && self.edns.is_none();
                    if !is_alone || self.packet.get(owner) != Some(&0) {
                        return None;
                    }
                    self.edns = Some(ClientEdns {
                        version: fixed[5],
                        payload,
                        dnssec_ok: fixed[6] & 0x80 != 0,
                    });
                }
                Kind::TSIG if is_additional && index + 1 == records => {
                    self.signature = Some(owner);
                }
                Kind::TSIG => return None,
                _ => {}
            }
        }
        (at == self.packet.len()).then_some(())
    }

    /// The whole packet.
    pub fn packet(&self) -> &'p [u8] {
        self.packet
    }

    /// The question as the client wrote it: name, type and class.
    #[inline]
    pub fn question(&self) -> &'p [u8] {
        self.packet.get(HEADER..self.end).unwrap_or_default()
    }

    /// The question's name from a label on, in the letter case that the client chose.
    #[inline]
    pub fn name_as_asked(&self, label: usize) -> &'p [u8] {
        let start = HEADER + self.name.offset(label);
        let end = HEADER + self.name.as_wire().len();
        self.packet.get(start..end).unwrap_or(&[0])
    }

    /// The first four octets of the header: identifier and flags.
    #[inline]
    pub fn header(&self) -> [u8; 4] {
        let mut header = [0; 4];
        header.copy_from_slice(self.packet.get(..4).unwrap_or(&[0; 4]));
        header
    }

    /// Whether the client asks for answers that aren't validated.
    #[inline]
    pub fn checking_disabled(&self) -> bool {
        self.header()[3] & 0x10 != 0
    }

    /// Whether the client wants to know if an answer was validated (RFC 6840, 5.7).
    #[inline]
    pub fn wants_authentic(&self) -> bool {
        self.header()[3] & 0x20 != 0
    }

    /// Whether the client wants signatures.
    #[inline]
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The longest reply that the client can take.
    #[inline]
    pub fn longest_reply(&self) -> usize {
        match (self.transport, self.edns) {
            (Transport::Tcp, _) => usize::from(u16::MAX),
            (Transport::Udp, None) => usize::from(PLAIN_UDP_PAYLOAD),
            (Transport::Udp, Some(edns)) => usize::from(edns.payload.max(PLAIN_UDP_PAYLOAD)),
        }
    }

    /// The longest reply of our own making.
    #[inline]
    pub fn longest_own_reply(&self) -> usize {
        match self.transport {
            Transport::Tcp => usize::from(u16::MAX),
            Transport::Udp => self.longest_reply().min(usize::from(UDP_PAYLOAD)),
        }
    }
}
