//! Names in lower case, for comparing and looking up.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The longest name, with its length octets and the one at its end (RFC 1035, 3.1).
const LONGEST: usize = 255;

/// How many labels fit into the longest name.
const MOST_LABELS: usize = 127;

/// A name in lower case and in wire form, on the stack.
#[derive(Clone, Copy)]
pub struct LowerName {
    bytes: [u8; LONGEST],
    length: u8,
    /// Where each label's length octet is.
    starts: [u8; MOST_LABELS],
    labels: u8,
}

/// What can't be a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// A label of no octets between two dots.
    #[error("a label is empty")]
    EmptyLabel,
    /// More than 63 octets (RFC 1035, 2.3.4).
    #[error("a label has more than 63 octets")]
    LongLabel,
    /// More than 255 octets (RFC 1035, 2.3.4).
    #[error("the name has more than 255 octets")]
    LongName,
    /// The packet ends within the name, or the name has a pointer where none may be.
    #[error("the name has no end")]
    Broken,
}

impl LowerName {
    /// The root: a name without labels.
    pub const ROOT: Self = Self {
        bytes: [0; LONGEST],
        length: 1,
        starts: [0; MOST_LABELS],
        labels: 0,
    };

    /// Reads an uncompressed name at the beginning of `bytes`; what follows it doesn't matter.
    ///
    /// # Errors
    /// There is no whole name.
    #[inline]
    pub fn from_wire(bytes: &[u8]) -> Result<Self, InvalidName> {
        let mut name = Self::ROOT;
        let mut at = 0;
        loop {
            let length = *bytes.get(at).ok_or(InvalidName::Broken)?;
            match length {
                0 => return Ok(name),
                1..=63 => {}
                _ => return Err(InvalidName::Broken),
            }
            let end = at + 1 + usize::from(length);
            let label = bytes.get(at + 1..end).ok_or(InvalidName::Broken)?;
            name.push(label)?;
            at = end;
        }
    }

    /// Reads a name such as `web.default.svc.cluster.local`, with or without the dot at its end.
    ///
    /// # Errors
    /// It can't be a name.
    pub fn from_text(text: &str) -> Result<Self, InvalidName> {
        let mut name = Self::ROOT;
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Ok(name);
        }
        for label in text.split('.') {
            name.push(label.as_bytes())?;
        }
        Ok(name)
    }

    /// Puts a label behind the others.
    ///
    /// # Errors
    /// The label is empty, or doesn't fit.
    #[inline]
    pub fn push(&mut self, label: &[u8]) -> Result<(), InvalidName> {
        let length = u8::try_from(label.len()).map_err(|_| InvalidName::LongLabel)?;
        match length {
            0 => return Err(InvalidName::EmptyLabel),
            1..=63 => {}
            _ => return Err(InvalidName::LongLabel),
        }
        let start = usize::from(self.length) - 1;
        let end = start + 1 + label.len();
        // The octet at the end of the name takes the place behind the label.
        let place = self
            .bytes
            .get_mut(start..=end)
            .ok_or(InvalidName::LongName)?;
        let (first, rest) = place.split_at_mut(1);
        let (letters, last) = rest.split_at_mut(label.len());
        first.fill(length);
        letters.copy_from_slice(label);
        letters.make_ascii_lowercase();
        last.fill(0);
        let index = usize::from(self.labels);
        *self.starts.get_mut(index).ok_or(InvalidName::LongName)? = start as u8;
        self.labels += 1;
        self.length = end as u8 + 1;
        Ok(())
    }

    /// Puts all labels of another name in wire form behind the others.
    ///
    /// # Errors
    /// They don't fit, or `name` isn't one.
    pub fn append(&mut self, name: &[u8]) -> Result<(), InvalidName> {
        let other = Self::from_wire(name)?;
        (0..other.count()).try_for_each(|index| self.push(other.label(index)))
    }

    /// The name in wire form.
    #[inline]
    pub fn as_wire(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or(&[0])
    }

    /// How many labels it has.
    #[inline]
    pub fn count(&self) -> usize {
        usize::from(self.labels)
    }

    /// A label, counted from the left from 0; nothing behind the last.
    #[inline]
    pub fn label(&self, index: usize) -> &[u8] {
        let suffix = self.from_label(index);
        match suffix.split_first() {
            Some((length, rest)) => rest.get(..usize::from(*length)).unwrap_or(&[]),
            None => &[],
        }
    }

    /// The name from a label on, in wire form; the root behind the last label.
    #[inline]
    pub fn from_label(&self, index: usize) -> &[u8] {
        self.as_wire().get(self.offset(index)..).unwrap_or(&[0])
    }

    /// At which octet of the wire form a label begins; that of the end behind the last one.
    #[inline]
    pub fn offset(&self, index: usize) -> usize {
        match index < self.count() {
            true => usize::from(self.starts.get(index).copied().unwrap_or_default()),
            false => usize::from(self.length) - 1,
        }
    }

    /// How many labels are before `suffix`, if the name ends in it.
    #[inline]
    pub fn labels_before(&self, suffix: &Self) -> Option<usize> {
        let before = self.count().checked_sub(suffix.count())?;
        (self.from_label(before) == suffix.as_wire()).then_some(before)
    }
}

impl PartialEq for LowerName {
    fn eq(&self, other: &Self) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for LowerName {}

impl Hash for LowerName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_wire().hash(state);
    }
}

impl fmt::Display for LowerName {
    /// Prints the name with the dot at its end; octets that aren't printable, and dots within
    /// labels, as `\DDD` (RFC 1035, 5.1).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for index in 0..self.count() {
            for octet in self.label(index) {
                match octet {
                    b'.' | b'\\' => write!(f, "\\{}", char::from(*octet))?,
                    0x21..=0x7e => write!(f, "{}", char::from(*octet))?,
                    _ => write!(f, "\\{octet:03}")?,
                }
            }
            f.write_str(".")?;
        }
        match self.count() {
            0 => f.write_str("."),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for LowerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
