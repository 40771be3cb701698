//! Netlink messages: a header of 16 bytes, the subsystem's own header, then attributes. The header
//! of netfilter's subsystems is four bytes that name the address family, that of generic netlink's
//! families four bytes that name the command.

use crate::attribute::{Attributes, Encoder, Malformed};
use crate::kernel_error::KernelError;

/// Flags of a request, from `linux/netlink.h`.
pub(crate) mod flags {
    pub(crate) const REQUEST: u16 = 0x001;
    pub(crate) const ACK: u16 = 0x004;
    pub(crate) const DUMP: u16 = 0x300;
    /// On a request to make something: replace what is there.
    pub(crate) const REPLACE: u16 = 0x100;
    /// On a request to make something: refuse if it is there.
    pub(crate) const EXCLUSIVE: u16 = 0x200;
    pub(crate) const CREATE: u16 = 0x400;
    pub(crate) const APPEND: u16 = 0x800;
    /// On a reply: what is dumped changed on the way (`NLM_F_DUMP_INTR`).
    const INTERRUPTED: u16 = 0x010;
    /// On an error: the failed request isn't repeated in it (`NLM_F_CAPPED`).
    const CAPPED: u16 = 0x100;
    /// On an error: attributes follow (`NLM_F_ACK_TLVS`).
    const EXPLAINED: u16 = 0x200;

    pub(super) fn interrupted(flags: u16) -> bool {
        flags & INTERRUPTED != 0
    }

    pub(super) fn capped(flags: u16) -> bool {
        flags & CAPPED != 0
    }

    pub(super) fn explained(flags: u16) -> bool {
        flags & EXPLAINED != 0
    }
}

const HEADER: usize = 16;
const FAMILY_HEADER: usize = 4;
const TYPE_ERROR: u16 = 2;
const TYPE_DONE: u16 = 3;
/// `NLMSGERR_ATTR_MSG`: the kernel's own words about an error.
const EXPLANATION: u16 = 1;

/// What a request is: `subsystem << 8 | operation`, its flags, its address family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) family: u8,
    /// The resource id, which only the brackets of a batch use.
    pub(crate) resource: u16,
}

impl Encoder {
    /// Appends a whole message and gives the place where it starts.
    pub(crate) fn message(
        &mut self,
        request: Request,
        sequence: u32,
        fill: impl FnOnce(&mut Self),
    ) -> usize {
        let [high, low] = request.resource.to_be_bytes();
        let header = [request.family, 0, high, low];
        self.message_behind(request.kind, request.flags, &header, sequence, fill)
    }

    /// Appends a whole message of a subsystem with a header of its own and gives the place where it
    /// starts.
    pub(crate) fn message_behind(
        &mut self,
        kind: u16,
        request_flags: u16,
        header: &[u8],
        sequence: u32,
        fill: impl FnOnce(&mut Self),
    ) -> usize {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(&kind.to_ne_bytes());
        let request_flags = request_flags | flags::REQUEST;
        self.buffer.extend_from_slice(&request_flags.to_ne_bytes());
        self.buffer.extend_from_slice(&sequence.to_ne_bytes());
        self.buffer.extend_from_slice(&[0; 4]);
        self.buffer.extend_from_slice(header);
        fill(self);
        match u32::try_from(self.buffer.len() - start) {
            Ok(length) => self.buffer[start..start + 4].copy_from_slice(&length.to_ne_bytes()),
            Err(_) => self.overflowed = true,
        }
        start
    }

    /// Numbers a message that was appended before.
    pub(crate) fn set_sequence(&mut self, start: usize, sequence: u32) {
        self.buffer[start + 8..start + 12].copy_from_slice(&sequence.to_ne_bytes());
    }

    /// Asks the kernel to confirm a message that was appended before.
    pub(crate) fn ask_confirmation(&mut self, start: usize) {
        let [low, high] = flags::ACK.to_ne_bytes();
        self.buffer[start + 6] |= low;
        self.buffer[start + 7] |= high;
    }
}

/// An answer of the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Reply<'a> {
    /// What kind of object the answer is.
    pub(crate) kind: u16,
    pub(crate) sequence: u32,
    /// Whether what is dumped changed since the dump began.
    pub(crate) interrupted: bool,
    pub(crate) body: Body<'a>,
    /// Everything behind the header of 16 bytes, for subsystems whose own header isn't four bytes
    /// long, and for what one of them hides in an error.
    pub(crate) payload: &'a [u8],
}

impl<'a> Reply<'a> {
    /// The attributes behind a subsystem's own header of some length.
    pub(crate) fn attributes_behind(&self, header: usize) -> Attributes<'a> {
        Attributes::new(self.payload.get(header..).unwrap_or_default())
    }
}

/// What an answer says.
#[derive(Clone, Debug)]
pub(crate) enum Body<'a> {
    /// An object, of a subsystem whose own header is four bytes long.
    Object(Attributes<'a>),
    /// The end of a dump.
    Done,
    /// A confirmation, or the reason why there is none.
    Verdict(Result<(), KernelError>),
}

/// Splits a datagram into its replies; stops behind the first malformed one.
pub(crate) struct Replies<'a> {
    rest: &'a [u8],
}

impl<'a> Replies<'a> {
    pub(crate) fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram }
    }
}

impl<'a> Iterator for Replies<'a> {
    type Item = Result<Reply<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let length = number(self.rest, 0).map_or(0, |length| length as usize);
        let Some(message) = self.rest.get(..length).filter(|_| length >= HEADER) else {
            self.rest = &[];
            return Some(Err(Malformed("a message is longer than its datagram")));
        };
        let next = length.next_multiple_of(4).min(self.rest.len());
        self.rest = &self.rest[next..];
        Some(reply(message))
    }
}

fn reply(message: &[u8]) -> Result<Reply<'_>, Malformed> {
    const SHORT: Malformed = Malformed("a message is shorter than its header");
    let kind = half(message, 4).ok_or(SHORT)?;
    let message_flags = half(message, 6).ok_or(SHORT)?;
    let sequence = number(message, 8).ok_or(SHORT)?;
    let payload = message.get(HEADER..).ok_or(SHORT)?;
    let body = match kind {
        TYPE_DONE => match number(payload, 0).map_or(0, u32::cast_signed) {
            0.. => Body::Done,
            code => Body::Verdict(Err(KernelError::new(code, None))),
        },
        TYPE_ERROR => Body::Verdict(verdict(payload, message_flags)?),
        _ => Body::Object(Attributes::new(payload.get(FAMILY_HEADER..).ok_or(SHORT)?)),
    };
    Ok(Reply {
        kind,
        sequence,
        interrupted: flags::interrupted(message_flags),
        body,
        payload,
    })
}

/// Reads the payload of an error message: a negative error number, the request's header, the
/// request itself unless it is capped, attributes that explain.
fn verdict(payload: &[u8], message_flags: u16) -> Result<Result<(), KernelError>, Malformed> {
    const SHORT: Malformed = Malformed("an error message is too short");
    let code = number(payload, 0).ok_or(SHORT)?.cast_signed();
    if code == 0 {
        return Ok(Ok(()));
    }
    let repeated = match flags::capped(message_flags) {
        true => HEADER,
        false => number(payload, 4).ok_or(SHORT)? as usize,
    };
    let explanation = payload
        .get(4 + repeated.next_multiple_of(4)..)
        .filter(|_| flags::explained(message_flags))
        .unwrap_or_default();
    let words = match Attributes::new(explanation).find(EXPLANATION)? {
        Some(words) => Some(words.string()?),
        None => None,
    };
    Ok(Err(KernelError::new(code, words)))
}

pub(crate) fn half(bytes: &[u8], at: usize) -> Option<u16> {
    let (value, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u16::from_ne_bytes(*value))
}

pub(crate) fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let (value, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_ne_bytes(*value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::errno::Errno;
    use proptest::prelude::*;

    /// An error message as the kernel builds it: header, code, the request's header, attributes.
    fn error(code: i32, message_flags: u16, tail: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let length = u32::try_from(HEADER + 4 + HEADER + tail.len()).expect("short");
        bytes.extend_from_slice(&length.to_ne_bytes());
        bytes.extend_from_slice(&TYPE_ERROR.to_ne_bytes());
        bytes.extend_from_slice(&message_flags.to_ne_bytes());
        bytes.extend_from_slice(&7u32.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&code.to_ne_bytes());
        bytes.extend_from_slice(&16u32.to_ne_bytes());
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(tail);
        bytes
    }

    #[test]
    fn an_error_carries_the_kernels_words() {
        let mut words = Encoder::default();
        words.string(EXPLANATION, "no such thing");
        let bytes = error(-2, 0x300, &words.buffer);
        let reply = Replies::new(&bytes).next().expect("one").expect("whole");
        assert_eq!(reply.sequence, 7);
        let Body::Verdict(Err(error)) = reply.body else {
            panic!("no error in {reply:?}");
        };
        assert_eq!(error.errno, Errno::ENOENT);
        assert_eq!(
            error.to_string(),
            "No such file or directory (no such thing)"
        );
    }

    #[test]
    fn an_error_number_of_zero_is_a_confirmation() {
        let bytes = error(0, 0, &[]);
        let reply = Replies::new(&bytes).next().expect("one").expect("whole");
        assert!(matches!(reply.body, Body::Verdict(Ok(()))));
    }

    proptest! {
        #[test]
        fn any_datagram_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Replies::new(&bytes).count() <= bytes.len());
        }

        #[test]
        fn a_cut_or_changed_error_is_read_without_a_panic(
            code: i32, message_flags: u16, tail in proptest::collection::vec(any::<u8>(), 0..60), cut in 0usize..100, at in 0usize..36, byte: u8,
        ) {
            let mut bytes = error(code, message_flags, &tail);
            bytes[at] = byte;
            bytes.truncate(cut.max(1));
            prop_assert!(Replies::new(&bytes).count() <= bytes.len());
        }
    }
}
