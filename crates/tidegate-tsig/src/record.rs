//! The record at the end of a signed message (RFC 8945, 4.2).

use tidegate_dns_wire::{HEADER, Kind, LowerName};

/// The class of records that belong to no class.
const CLASS_ANY: u16 = 255;

/// A TSIG record.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Whose record it is: the key's name.
    pub(crate) key: LowerName,
    pub(crate) algorithm: LowerName,
    /// When the message was signed, in seconds since 1970 (48 bits).
    pub(crate) time: u64,
    /// By how many seconds that may be wrong.
    pub(crate) fudge: u16,
    pub(crate) code: &'a [u8],
    /// The identifier of the message when it was signed.
    pub(crate) id: [u8; 2],
    pub(crate) error: u16,
    pub(crate) other: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads the record that begins at this octet of a packet; nothing may be behind it.
    pub(crate) fn read(packet: &'a [u8], at: usize) -> Option<Self> {
        let (key, end) = LowerName::from_packet(packet, at).ok()?;
        let mut rest = Octets(packet.get(end..)?);
        let [kind, class] = [rest.number()?, rest.number()?];
        let ttl = rest.take(4)?;
        let length = rest.number()?;
        let is_one = Kind(kind) == Kind::TSIG && class == CLASS_ANY && ttl == [0; 4];
        if !is_one || rest.0.len() != usize::from(length) {
            return None;
        }
        let algorithm = LowerName::from_wire(rest.0).ok()?;
        rest.take(algorithm.as_wire().len())?;
        let time = rest.take(6)?;
        let time = time
            .iter()
            .fold(0, |time, octet| time << 8 | u64::from(*octet));
        let fudge = rest.number()?;
        let code = rest.take_counted()?;
        let id = rest.number()?.to_be_bytes();
        let error = rest.number()?;
        let other = rest.take_counted()?;
        rest.0.is_empty().then_some(Self {
            key,
            algorithm,
            time,
            fudge,
            code,
            id,
            error,
            other,
        })
    }

    /// The record on the wire.
    pub(crate) fn to_octets(&self) -> Vec<u8> {
        let mut data = self.algorithm.as_wire().to_vec();
        data.extend(self.times());
        data.extend(counted(self.code.len()));
        data.extend(self.code);
        data.extend(self.id);
        data.extend(self.error.to_be_bytes());
        data.extend(counted(self.other.len()));
        data.extend(self.other);
        let mut octets = self.key.as_wire().to_vec();
        octets.extend(Kind::TSIG.0.to_be_bytes());
        octets.extend(CLASS_ANY.to_be_bytes());
        octets.extend([0; 4]);
        octets.extend(counted(data.len()));
        octets.extend(data);
        octets
    }

    /// What is signed of it behind a message: everything but the code and what depends on it
    /// (RFC 8945, 4.3.3).
    pub(crate) fn variables(&self) -> Vec<u8> {
        let mut octets = self.key.as_wire().to_vec();
        octets.extend(CLASS_ANY.to_be_bytes());
        octets.extend([0; 4]);
        octets.extend(self.algorithm.as_wire());
        octets.extend(self.times());
        octets.extend(self.error.to_be_bytes());
        octets.extend(counted(self.other.len()));
        octets.extend(self.other);
        octets
    }

    /// What is signed of it behind all messages of a reply but the first: the time and its fudge.
    pub(crate) fn times(&self) -> [u8; 8] {
        let [_, _, time @ ..] = self.time.to_be_bytes();
        let mut octets = [0; 8];
        octets[..6].copy_from_slice(&time);
        octets[6..].copy_from_slice(&self.fudge.to_be_bytes());
        octets
    }
}

/// Adds a record in wire form to a message, behind all others.
pub(crate) fn append(message: &mut Vec<u8>, record: &[u8]) {
    message.extend(record);
    if let Some(count) = message.get_mut(HEADER - 2..HEADER) {
        let more = u16::from_be_bytes([count[0], count[1]]).saturating_add(1);
        count.copy_from_slice(&more.to_be_bytes());
    }
}

/// How many octets follow, as the wire has it.
pub(crate) fn counted(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes()
}

/// Octets that are taken one after another.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let octets = self.take(2)?;
        Some(u16::from_be_bytes([octets[0], octets[1]]))
    }

    /// As many octets as the number before them says.
    fn take_counted(&mut self) -> Option<&'a [u8]> {
        let count = self.number()?;
        self.take(usize::from(count))
    }
}
