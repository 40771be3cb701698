//! Netlink attributes: a 16-bit length, a 16-bit kind, a value, padded to four bytes.

use std::net::IpAddr;

use crate::family::Family;

/// Marks an attribute whose value is a list of attributes (`NLA_F_NESTED`).
const NESTED: u16 = 1 << 15;
/// The bits of the kind that are the kind (`NLA_TYPE_MASK`).
const KIND_MASK: u16 = 0x3fff;
const HEADER: usize = 4;

/// A reply of the kernel doesn't have the form that its kind of message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel's netlink reply is malformed: {0}")]
pub struct Malformed(pub(crate) &'static str);

/// Appends attributes to a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoder {
    pub(crate) buffer: Vec<u8>,
    /// Whether an attribute was longer than 16 bits can say; what was encoded can't be sent.
    pub(crate) overflowed: bool,
}

impl Encoder {
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let start = self.open(kind);
        self.buffer.extend_from_slice(value);
        self.close(start);
    }

    /// A string with the closing zero byte that the kernel expects.
    pub(crate) fn string(&mut self, kind: u16, value: &str) {
        let start = self.open(kind);
        self.buffer.extend_from_slice(value.as_bytes());
        self.buffer.push(0);
        self.close(start);
    }

    pub(crate) fn u8(&mut self, kind: u16, value: u8) {
        self.bytes(kind, &[value]);
    }

    pub(crate) fn be16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    pub(crate) fn be64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// A number in the machine's own byte order, which subsystems outside of netfilter use.
    pub(crate) fn ne16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// A number in the machine's own byte order, which subsystems outside of netfilter use.
    pub(crate) fn ne32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_ne_bytes());
    }

    /// An address of its family's length.
    pub(crate) fn address(&mut self, kind: u16, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.bytes(kind, &address.octets()),
            IpAddr::V6(address) => self.bytes(kind, &address.octets()),
        }
    }

    pub(crate) fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start);
    }

    pub(crate) fn open(&mut self, kind: u16) -> usize {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 2]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    pub(crate) fn open_nested(&mut self, kind: u16) -> usize {
        self.open(kind | NESTED)
    }

    pub(crate) fn close(&mut self, start: usize) {
        match u16::try_from(self.buffer.len() - start) {
            Ok(length) => self.buffer[start..start + 2].copy_from_slice(&length.to_ne_bytes()),
            Err(_) => self.overflowed = true,
        }
        self.buffer.resize(self.buffer.len().next_multiple_of(4), 0);
    }
}

/// One attribute of a message; its value may be read as attributes again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attribute<'a> {
    pub(crate) kind: u16,
    /// Whether the sender flagged the value as a list of attributes; the kernel doesn't always.
    pub(crate) nested: bool,
    pub(crate) value: &'a [u8],
}

impl<'a> Attribute<'a> {
    pub(crate) fn u8(&self) -> Result<u8, Malformed> {
        match self.value {
            [value] => Ok(*value),
            _ => Err(Malformed("a number isn't one byte long")),
        }
    }

    pub(crate) fn be16(&self) -> Result<u16, Malformed> {
        let value = self.value.try_into();
        value
            .map(u16::from_be_bytes)
            .map_err(|_| Malformed("a number isn't two bytes long"))
    }

    pub(crate) fn be32(&self) -> Result<u32, Malformed> {
        let value = self.value.try_into();
        value
            .map(u32::from_be_bytes)
            .map_err(|_| Malformed("a number isn't four bytes long"))
    }

    pub(crate) fn be64(&self) -> Result<u64, Malformed> {
        let value = self.value.try_into();
        value
            .map(u64::from_be_bytes)
            .map_err(|_| Malformed("a number isn't eight bytes long"))
    }

    pub(crate) fn ne16(&self) -> Result<u16, Malformed> {
        self.be16().map(u16::to_be)
    }

    pub(crate) fn ne32(&self) -> Result<u32, Malformed> {
        self.be32().map(u32::to_be)
    }

    /// An address of a family, whose bytes may stand in a longer field.
    pub(crate) fn address(&self, family: Family) -> Result<IpAddr, Malformed> {
        const SHORT: Malformed = Malformed("an address is shorter than its family's are");
        match family {
            Family::V4 => {
                let (octets, _) = self.value.split_first_chunk::<4>().ok_or(SHORT)?;
                Ok((*octets).into())
            }
            Family::V6 => {
                let (octets, _) = self.value.split_first_chunk::<16>().ok_or(SHORT)?;
                Ok((*octets).into())
            }
        }
    }

    /// A string, without the zero byte that may close it.
    pub(crate) fn string(&self) -> Result<String, Malformed> {
        let text = self.value.strip_suffix(&[0]).unwrap_or(self.value);
        String::from_utf8(text.to_vec()).map_err(|_| Malformed("a name isn't text"))
    }

    pub(crate) fn attributes(&self) -> Attributes<'a> {
        Attributes::new(self.value)
    }
}

/// Reads attributes one after another and stops behind the first malformed one.
#[derive(Clone, Debug)]
pub(crate) struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The first attribute of a kind.
    pub(crate) fn find(&self, kind: u16) -> Result<Option<Attribute<'a>>, Malformed> {
        for attribute in self.clone() {
            let attribute = attribute?;
            if attribute.kind == kind {
                return Ok(Some(attribute));
            }
        }
        Ok(None)
    }

    /// The first attribute of a kind that must be there.
    pub(crate) fn require(
        &self,
        kind: u16,
        what: &'static str,
    ) -> Result<Attribute<'a>, Malformed> {
        self.find(kind)?.ok_or(Malformed(what))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, _) = self.rest.split_first_chunk::<HEADER>()?;
        let length = usize::from(u16::from_ne_bytes([header[0], header[1]]));
        let kind = u16::from_ne_bytes([header[2], header[3]]);
        let Some(value) = self.rest.get(HEADER..length) else {
            self.rest = &[];
            return Some(Err(Malformed("an attribute is longer than its message")));
        };
        let next = length.next_multiple_of(4).min(self.rest.len());
        self.rest = &self.rest[next..];
        Some(Ok(Attribute {
            kind: kind & KIND_MASK,
            nested: kind & NESTED != 0,
            value,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(fill: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut encoder = Encoder::default();
        fill(&mut encoder);
        encoder.buffer
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = encoded(|e| {
            e.string(1, "abc");
            e.nested(2, |e| e.be16(7, 513));
        });
        let all: Vec<_> = Attributes::new(&bytes)
            .map(|a| a.expect("well-formed"))
            .collect();
        assert_eq!(all[0].string().expect("text"), "abc");
        let inner = all[1].attributes().find(7).expect("well-formed");
        assert_eq!(inner.expect("is there").be16(), Ok(513));
    }

    #[test]
    fn an_attribute_that_is_too_long_is_noticed() {
        let mut encoder = Encoder::default();
        encoder.bytes(1, &[0; 70_000]);
        assert!(encoder.overflowed);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            fn walk(attributes: Attributes<'_>, depth: usize) -> usize {
                attributes
                    .filter_map(Result::ok)
                    .map(|a| 1 + if depth > 0 { walk(a.attributes(), depth - 1) } else { 0 })
                    .sum()
            }
            prop_assert!(walk(Attributes::new(&bytes), 3) <= bytes.len());
        }
    }
}
