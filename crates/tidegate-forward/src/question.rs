//! What is asked, as it stands in packets.

use std::hash::{Hash, Hasher};

use equivalent::Equivalent;

/// A question of class IN, borrowed from the packet that asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question<'a> {
    /// The name as labels, in lower case, without compression, with the root's empty label at its
    /// end.
    pub name: &'a [u8],
    /// The number of the record type that is asked for.
    pub kind: u16,
    /// Whether DNSSEC's records are wanted (the DO flag of RFC 3225).
    pub dnssec_ok: bool,
    /// Whether what can't be validated is wanted too (the CD flag of RFC 4035).
    pub checking_disabled: bool,
}

/// A question that outlives its packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OwnedQuestion {
    /// As in [`Question::name`].
    pub name: Box<[u8]>,
    /// As in [`Question::kind`].
    pub kind: u16,
    /// As in [`Question::dnssec_ok`].
    pub dnssec_ok: bool,
    /// As in [`Question::checking_disabled`].
    pub checking_disabled: bool,
    /// Whether a reply that was cut off won't do, as for a client that came over TCP.
    pub whole: bool,
}

/// A question as the cache knows it: found by a [`Question`] without making one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    name: Box<[u8]>,
    kind: u16,
    dnssec_ok: bool,
    checking_disabled: bool,
}

/// The longest name (RFC 1035, 2.3.4).
const LONGEST_NAME: usize = 255;

/// The longest label (RFC 1035, 2.3.4). Longer lengths are compression pointers, or unheard of.
const LONGEST_LABEL: usize = 63;

/// The class IN (RFC 1035, 3.2.4).
const CLASS_IN: u16 = 1;

impl Question<'_> {
    /// The same question, to be kept; `whole` as in [`OwnedQuestion::whole`].
    pub fn to_owned(&self, whole: bool) -> OwnedQuestion {
        OwnedQuestion {
            name: self.name.into(),
            kind: self.kind,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
            whole,
        }
    }

    pub(crate) fn to_key(self) -> Key {
        Key {
            name: self.name.into(),
            kind: self.kind,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
        }
    }

    /// The question section of a message that asks this.
    pub(crate) fn section(&self) -> Vec<u8> {
        let mut section = self.name.to_vec();
        section.extend(self.kind.to_be_bytes());
        section.extend(CLASS_IN.to_be_bytes());
        section
    }

    /// Whether the name is one: labels of the right lengths, the root's at its end and nowhere
    /// else, and no capital letters.
    pub(crate) fn is_well_formed(&self) -> bool {
        let mut rest = self.name;
        while let Some((&length, after)) = rest.split_first() {
            let length = usize::from(length);
            if length == 0 {
                return after.is_empty() && self.name.len() <= LONGEST_NAME;
            }
            if length > LONGEST_LABEL || length > after.len() {
                return false;
            }
            let (label, next) = after.split_at(length);
            if label.iter().any(u8::is_ascii_uppercase) {
                return false;
            }
            rest = next;
        }
        false
    }
}

impl OwnedQuestion {
    /// The same question, lent.
    pub fn as_question(&self) -> Question<'_> {
        Question {
            name: &self.name,
            kind: self.kind,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
        }
    }
}

impl Key {
    fn as_question(&self) -> Question<'_> {
        Question {
            name: &self.name,
            kind: self.kind,
            dnssec_ok: self.dnssec_ok,
            checking_disabled: self.checking_disabled,
        }
    }

    /// The octets that it takes beside its own struct.
    pub(crate) fn len(&self) -> usize {
        self.name.len()
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_question().hash(state);
    }
}

impl Equivalent<Key> for Question<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.as_question()
    }
}

#[cfg(test)]
mod tests {
    use super::Question;

    fn is_well_formed(name: &[u8]) -> bool {
        let question = Question {
            name,
            kind: 1,
            dnssec_ok: false,
            checking_disabled: false,
        };
        question.is_well_formed()
    }

    #[test]
    fn only_names_are_taken_for_names() {
        assert!(is_well_formed(b"\0"));
        assert!(is_well_formed(b"\x03www\x07example\0"));
        let mut longest = Vec::new();
        for length in [63, 63, 63, 61] {
            longest.push(length);
            longest.extend(vec![b'a'; usize::from(length)]);
        }
        assert!(is_well_formed(&[&longest[..], b"\0"].concat()));
        longest.extend(b"\x01a\0");
        for name in [
            &b""[..],
            b"\x03www",
            b"\x03ww",
            b"\x03wWw\0",
            b"\x01a\0\0",
            b"\0\x01a\0",
            b"\xc0\x0c",
            &longest,
        ] {
            assert!(!is_well_formed(name), "{name:?}");
        }
    }
}
