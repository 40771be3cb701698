//! What an event is about, in the 64 bits that the kernel keeps with it.

use rustix::event::epoll::EventData;

use super::slots::{GENERATION_BITS, Key};

/// Something that events are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Token {
    /// There are commands.
    Wake,
    /// A listener, by its number.
    Listener(u32),
    /// The client's end of a TCP connection.
    Client(Key),
    /// The backend's end of a TCP connection.
    Backend(Key),
    /// The backend's end of a UDP session.
    Session(Key),
}

const KIND_SHIFT: u32 = 32 + GENERATION_BITS;

impl Token {
    /// The token as the kernel keeps it.
    pub(crate) fn data(self) -> EventData {
        let keyed = |key: Key| u64::from(key.generation) << 32 | u64::from(key.index);
        let (kind, rest): (u64, u64) = match self {
            Self::Wake => (0, 0),
            Self::Listener(id) => (1, u64::from(id)),
            Self::Client(key) => (2, keyed(key)),
            Self::Backend(key) => (3, keyed(key)),
            Self::Session(key) => (4, keyed(key)),
        };
        EventData::new_u64(kind << KIND_SHIFT | rest)
    }

    /// The token that the kernel kept.
    pub(crate) fn of(data: EventData) -> Self {
        let number = data.u64();
        let low = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or_default();
        let key = Key {
            index: low(number),
            generation: low(number >> 32) & ((1 << GENERATION_BITS) - 1),
        };
        match number >> KIND_SHIFT {
            1 => Self::Listener(key.index),
            2 => Self::Client(key),
            3 => Self::Backend(key),
            4 => Self::Session(key),
            _ => Self::Wake,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_as_it_was_given() {
        let key = Key {
            index: u32::MAX,
            generation: (1 << GENERATION_BITS) - 1,
        };
        for token in [
            Token::Wake,
            Token::Listener(7),
            Token::Client(key),
            Token::Backend(key),
            Token::Session(key),
        ] {
            assert_eq!(Token::of(token.data()), token);
        }
    }
}
