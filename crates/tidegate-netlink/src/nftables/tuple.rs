//! Values in a row: the keys and the data of elements.

use std::net::IpAddr;

/// One value or several in a row (`nft`'s concatenation), in the form that the kernel compares.
///
/// Which types the values have is a matter of the set, and to append them in its order a matter of
/// the caller: the kernel refuses a row that isn't as long as its set's types.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple(Vec<u8>);

/// The longest text of a [`crate::nftables::Datatype::Name`]; a zero byte must follow.
const NAME: usize = 16;

impl Tuple {
    /// An empty row, to be continued with the other methods.
    pub fn new() -> Self {
        Self(Vec::with_capacity(44))
    }

    /// Appends an address.
    #[must_use]
    pub fn address(mut self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.0.extend_from_slice(&address.octets()),
            IpAddr::V6(address) => self.0.extend_from_slice(&address.octets()),
        }
        self
    }

    /// Appends a transport protocol's number.
    #[must_use]
    pub fn protocol(mut self, number: u8) -> Self {
        self.0.extend_from_slice(&[number, 0, 0, 0]);
        self
    }

    /// Appends a port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.0.extend_from_slice(&port.to_be_bytes());
        self.0.extend_from_slice(&[0, 0]);
        self
    }

    /// Appends a plain number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_ne_bytes());
        self
    }

    /// Appends a text; only the first fifteen bytes of it count.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        let mut padded = [0; NAME];
        for (place, byte) in padded.iter_mut().take(NAME - 1).zip(name.bytes()) {
            *place = byte;
        }
        self.0.extend_from_slice(&padded);
        self
    }

    /// Appends another row.
    #[must_use]
    pub fn then(mut self, other: &Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    /// The values that the first so many bytes stand for.
    #[must_use]
    pub fn first(&self, bytes: usize) -> Self {
        Self(self.0[..bytes.min(self.0.len())].to_vec())
    }

    /// The row as bytes, each value padded to a multiple of four.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The row that the kernel has; a single value may lack its padding there.
    pub(crate) fn from_kernel(bytes: &[u8]) -> Self {
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().next_multiple_of(4), 0);
        Self(padded)
    }
}
