//! Signing messages.

use crate::FUDGE;
use crate::key::Key;
use crate::record::{Record, append, counted};

/// Signs the messages of one side, each together with the one before (RFC 8945, 4.3 and 5.3.1).
#[derive(Clone, Debug)]
pub struct Signer<'k> {
    key: &'k Key,
    before: Before,
}

/// What a message follows.
#[derive(Clone, Debug)]
enum Before {
    Nothing,
    /// A question with this code.
    Question(Vec<u8>),
    /// Another message of the same reply, with this code.
    Message(Vec<u8>),
}

/// When a message is signed, and what its signature has to say besides.
pub(crate) struct Remarks<'a> {
    pub(crate) time: u64,
    pub(crate) error: u16,
    pub(crate) other: &'a [u8],
}

impl<'k> Signer<'k> {
    /// For a question.
    pub fn of_question(key: &'k Key) -> Self {
        let before = Before::Nothing;
        Self { key, before }
    }

    /// For the messages of a reply to a question with this code.
    pub(crate) fn of_reply(key: &'k Key, code: &[u8]) -> Self {
        let before = Before::Question(code.to_vec());
        Self { key, before }
    }

    /// By how many octets a signature makes a message longer.
    pub fn octets(&self) -> usize {
        let code = vec![0; self.key.algorithm.octets()];
        let remarks = Remarks::of_time(0);
        self.record([0; 2], &code, &remarks).to_octets().len()
    }

    /// Signs the next message at this time, in seconds since 1970. The signature becomes the last
    /// record of the message.
    pub fn sign(&mut self, message: &mut Vec<u8>, now: u64) {
        self.sign_with(message, &Remarks::of_time(now));
    }

    pub(crate) fn sign_with(&mut self, message: &mut Vec<u8>, remarks: &Remarks<'_>) {
        let id = [0, 1].map(|at| message.get(at).copied().unwrap_or_default());
        let record = self.record(id, &[], remarks);
        let code = match &self.before {
            Before::Nothing => self.key.code(&[message, &record.variables()]),
            Before::Question(before) => {
                let length = counted(before.len());
                let parts: [&[u8]; 4] = [&length, before, message, &record.variables()];
                self.key.code(&parts)
            }
            Before::Message(before) => {
                let length = counted(before.len());
                self.key.code(&[&length, before, message, &record.times()])
            }
        };
        append(message, &self.record(id, &code, remarks).to_octets());
        self.before = Before::Message(code);
    }

    fn record<'a>(&self, id: [u8; 2], code: &'a [u8], remarks: &Remarks<'a>) -> Record<'a> {
        Record {
            key: self.key.name,
            algorithm: self.key.algorithm.domain_name(),
            time: remarks.time,
            fudge: FUDGE,
            code,
            id,
            error: remarks.error,
            other: remarks.other,
        }
    }
}

impl Remarks<'_> {
    fn of_time(time: u64) -> Self {
        Self {
            time,
            error: 0,
            other: &[],
        }
    }
}
