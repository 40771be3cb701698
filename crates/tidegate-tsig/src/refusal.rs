//! Why a question is refused for its signature, and what its sender is told.

use tidegate_dns_wire::Code;

use crate::FUDGE;
use crate::record::{Record, append};
use crate::signer::{Remarks, Signer};

/// What is wrong with a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It can't be read, or its code is longer or shorter than any code of that algorithm.
    #[error("the signature is malformed")]
    Malformed,
    /// There is no key of this name for this algorithm (BADKEY).
    #[error("the signature names a key that isn't known here")]
    UnknownKey,
    /// The code isn't what the key makes of the message (BADSIG).
    #[error("the signature isn't of this message or not made with this key")]
    WrongCode,
    /// It was made too long ago, or in the future (BADTIME).
    #[error("the signature is of another time; compare the clocks")]
    WrongTime,
    /// Only the beginning of the code is there (BADTRUNC).
    #[error("the signature is shortened")]
    ShortCode,
}

/// The reply to a question whose signature isn't good.
#[derive(Debug)]
pub struct Refusal<'k> {
    /// What is wrong with it.
    pub fault: Fault,
    ending: Ending<'k>,
}

/// What a refusing message ends with.
#[derive(Debug)]
enum Ending<'k> {
    Nothing,
    /// A record without a code: nobody can say whose question it was (RFC 8945, 5.3.2).
    Unsigned(Vec<u8>),
    /// A signature: the question was that of somebody who has the key.
    Signed {
        signer: Signer<'k>,
        time: u64,
        other: Vec<u8>,
    },
}

impl Fault {
    /// Its number in the record.
    fn number(self) -> u16 {
        match self {
            Self::Malformed => 0,
            Self::WrongCode => 16,
            Self::UnknownKey => 17,
            Self::WrongTime => 18,
            Self::ShortCode => 22,
        }
    }
}

impl<'k> Refusal<'k> {
    pub(crate) fn malformed() -> Self {
        let ending = Ending::Nothing;
        let fault = Fault::Malformed;
        Self { fault, ending }
    }

    /// For a question that anybody may have asked.
    pub(crate) fn unproven(fault: Fault, asked: &Record<'_>, id: [u8; 2], now: u64) -> Self {
        let record = Record {
            key: asked.key,
            algorithm: asked.algorithm,
            time: now,
            fudge: FUDGE,
            code: &[],
            id,
            error: fault.number(),
            other: &[],
        };
        let ending = Ending::Unsigned(record.to_octets());
        Self { fault, ending }
    }

    /// For a question of another time. The client finds its own time in the reply and ours in the
    /// other data (RFC 8945, 5.2.3).
    pub(crate) fn out_of_time(signer: Signer<'k>, asked: &Record<'_>, now: u64) -> Self {
        let [_, _, other @ ..] = now.to_be_bytes();
        let ending = Ending::Signed {
            signer,
            time: asked.time,
            other: other.to_vec(),
        };
        let fault = Fault::WrongTime;
        Self { fault, ending }
    }

    /// For a code that is too short for us.
    pub(crate) fn shortened(signer: Signer<'k>, now: u64) -> Self {
        let ending = Ending::Signed {
            signer,
            time: now,
            other: Vec::new(),
        };
        let fault = Fault::ShortCode;
        Self { fault, ending }
    }

    /// What the reply says as a whole.
    pub fn code(&self) -> Code {
        match self.fault {
            Fault::Malformed => Code::FORMAT_ERROR,
            _ => Code::NOT_AUTHORITATIVE,
        }
    }

    /// By how many octets [`Refusal::sign`] makes a message longer.
    pub fn octets(&self) -> usize {
        match &self.ending {
            Ending::Nothing => 0,
            Ending::Unsigned(record) => record.len(),
            Ending::Signed { signer, other, .. } => signer.octets() + other.len(),
        }
    }

    /// Adds to the reply what says which fault it is, signed where the client has proven who it is.
    pub fn sign(self, message: &mut Vec<u8>) {
        match self.ending {
            Ending::Nothing => {}
            Ending::Unsigned(record) => append(message, &record),
            Ending::Signed {
                mut signer,
                time,
                other,
            } => {
                let remarks = Remarks {
                    time,
                    error: self.fault.number(),
                    other: &other,
                };
                signer.sign_with(message, &remarks);
            }
        }
    }
}
