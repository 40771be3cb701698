//! From rules to the kernel's expressions, which work on a file of sixteen registers.
//!
//! Registers are handed out like a stack: an expression leaves its value where it was told to, and
//! may use everything behind that place while it works. Nothing is kept between statements.

use std::time::Duration;

use super::constants::{LIST_ITEM, element, rule as attribute};
use super::field::Source;
use super::{Expression, Family, Field, Reject, Rule, Statement, Test, Verdict};
use crate::attribute::Encoder;

/// A place in the register file, counted in four bytes.
type Register = usize;

/// Writes a rule's statements as the content of `NFTA_RULE_EXPRESSIONS`.
pub(crate) fn expressions(rule: &Rule, out: &mut Encoder) {
    for statement in &rule.statements {
        write_statement(statement, out);
    }
}

fn write_statement(statement: &Statement, out: &mut Encoder) {
    match statement {
        Statement::Match(left, test) => {
            load(left, 0, out);
            write_test(left, test, out);
        }
        Statement::Verdict(verdict) => expression("immediate", out, |out| {
            out.be32(1, VERDICT_REGISTER);
            out.nested(2, |out| write_verdict(verdict, out));
        }),
        Statement::VerdictMap { key, map } => {
            load(key, 0, out);
            look_up(map, 0, Some(VERDICT_REGISTER), false, out);
        }
        Statement::Dnat(family, target) => {
            load(target, 0, out);
            expression("nat", out, |out| {
                out.be32(1, DNAT);
                out.be32(2, u32::from(family.number()));
                out.be32(3, number(0));
                out.be32(5, number(family.address_length() / 4));
            });
        }
        Statement::Masquerade => expression("masq", out, |out| out.be32(1, FULLY_RANDOM)),
        Statement::Untrack => expression("notrack", out, |_| {}),
        Statement::Reject(family, answer) => write_reject(*family, *answer, out),
        Statement::Learn {
            set,
            key,
            data,
            timeout,
        } => learn(set, key, data.as_ref(), *timeout, out),
    }
}

const VERDICT_REGISTER: u32 = 0;
/// `NFT_NAT_DNAT`.
const DNAT: u32 = 1;
/// `NF_NAT_RANGE_PROTO_RANDOM_FULLY`.
const FULLY_RANDOM: u32 = 1 << 4;
/// `NFT_DYNSET_OP_ADD` and `NFT_DYNSET_OP_UPDATE`; kernels before 5.13 update only what expires.
const ADD: u32 = 0;
const UPDATE: u32 = 1;
/// `NFT_NG_RANDOM`.
const RANDOM: u32 = 1;
/// `NFT_FIB_RESULT_ADDRTYPE`.
const ADDRESS_TYPE: u32 = 3;
/// `NFT_CMP_EQ` and `NFT_CMP_NEQ`.
const EQUAL: u32 = 0;
const NOT_EQUAL: u32 = 1;
/// `NFT_LOOKUP_F_INV`.
const INVERTED: u32 = 1;

/// The number of a register: the kernel calls every fourth one by its older, 16-byte name, and
/// tells it back under that name.
fn number(register: Register) -> u32 {
    let register = u32::try_from(register).unwrap_or(u32::MAX);
    match register.is_multiple_of(4) {
        true => 1 + register / 4,
        false => 8 + register,
    }
}

fn expression(name: &str, out: &mut Encoder, fill: impl FnOnce(&mut Encoder)) {
    out.nested(LIST_ITEM, |out| {
        out.string(attribute::EXPRESSION_NAME, name);
        out.nested(attribute::EXPRESSION_DATA, fill);
    });
}

/// Leaves an expression's value at a register.
fn load(value: &Expression, at: Register, out: &mut Encoder) {
    match value {
        Expression::Field(field) => load_field(*field, at, out),
        Expression::Concat(parts) => {
            let mut next = at;
            for part in parts {
                load(part, next, out);
                next += part.width() / 4;
            }
        }
        Expression::LookUp { key, map, .. } => {
            load(key, at, out);
            look_up(map, at, Some(number(at)), false, out);
        }
        Expression::Hash {
            of,
            modulus,
            seed,
            offset,
        } => {
            load(of, at, out);
            let length = u32::try_from(of.width()).unwrap_or(u32::MAX);
            expression("hash", out, |out| {
                out.be32(1, number(at));
                out.be32(2, number(at));
                out.be32(3, length);
                out.be32(4, *modulus);
                out.be32(5, *seed);
                out.be32(6, *offset);
            });
        }
        Expression::Random { modulus, offset } => expression("numgen", out, |out| {
            out.be32(1, number(at));
            out.be32(2, *modulus);
            out.be32(3, RANDOM);
            out.be32(4, *offset);
        }),
    }
}

fn load_field(field: Field, at: Register, out: &mut Encoder) {
    let length = u32::try_from(field.datatype.length()).unwrap_or(u32::MAX);
    match field.source {
        Source::Payload { base, offset } => expression("payload", out, |out| {
            out.be32(1, number(at));
            out.be32(2, base);
            out.be32(3, offset);
            out.be32(4, length);
        }),
        Source::Meta(key) => expression("meta", out, |out| {
            out.be32(1, number(at));
            out.be32(2, key);
        }),
        Source::Connection(key) => expression("ct", out, |out| {
            out.be32(1, number(at));
            out.be32(2, key);
        }),
        Source::Original(key) => expression("ct", out, |out| {
            out.be32(1, number(at));
            out.be32(2, key);
            out.u8(3, 0);
        }),
        Source::AddressType(flags) => expression("fib", out, |out| {
            out.be32(1, number(at));
            out.be32(2, ADDRESS_TYPE);
            out.be32(3, flags);
        }),
    }
}

fn look_up(set: &str, at: Register, to: Option<u32>, inverted: bool, out: &mut Encoder) {
    expression("lookup", out, |out| {
        out.string(1, set);
        out.be32(2, number(at));
        if let Some(to) = to {
            out.be32(3, to);
        }
        if inverted {
            out.be32(5, INVERTED);
        }
    });
}

/// Compares the value that was left at the first register.
fn write_test(left: &Expression, test: &Test, out: &mut Encoder) {
    let compare = |operation, value: &[u8], out: &mut Encoder| {
        expression("cmp", out, |out| {
            out.be32(1, number(0));
            out.be32(2, operation);
            out.nested(3, |out| out.bytes(element::VALUE, value));
        });
    };
    match test {
        Test::Is(value) => {
            let length = super::Datatype::total_length(&left.types());
            let value = value.as_bytes();
            compare(EQUAL, &value[..length.min(value.len())], out);
        }
        Test::StartsWith(text) => compare(EQUAL, text.as_bytes(), out),
        Test::Has(bits) => {
            expression("bitwise", out, |out| {
                out.be32(1, number(0));
                out.be32(2, number(0));
                out.be32(3, 4);
                out.nested(4, |out| out.bytes(element::VALUE, &bits.to_ne_bytes()));
                out.nested(5, |out| out.bytes(element::VALUE, &[0; 4]));
            });
            compare(NOT_EQUAL, &[0; 4], out);
        }
        Test::In(set) => look_up(set, 0, None, false, out),
        Test::NotIn(set) => look_up(set, 0, None, true, out),
    }
}

fn write_reject(family: Family, answer: Reject, out: &mut Encoder) {
    expression("reject", out, |out| match answer {
        Reject::TcpReset => out.be32(1, 1),
        Reject::PortUnreachable => {
            out.be32(1, 0);
            // The codes of ICMP (RFC 792) and of ICMPv6 (RFC 4443) for the same thing.
            out.u8(2, if family == Family::Ip { 3 } else { 4 });
        }
    });
}

fn learn(
    set: &str,
    key: &Expression,
    data: Option<&Expression>,
    timeout: Option<Duration>,
    out: &mut Encoder,
) {
    load(key, 0, out);
    let data_at = key.width() / 4;
    if let Some(data) = data {
        load(data, data_at, out);
    }
    expression("dynset", out, |out| {
        out.string(1, set);
        out.be32(3, if timeout.is_some() { UPDATE } else { ADD });
        out.be32(4, number(0));
        if data.is_some() {
            out.be32(5, number(data_at));
        }
        if let Some(timeout) = timeout {
            let milliseconds = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            out.be64(6, milliseconds);
        }
    });
}

/// Writes a verdict as the content of an `NFTA_*_DATA` attribute.
pub(crate) fn write_verdict(verdict: &Verdict, out: &mut Encoder) {
    let (code, chain): (i32, _) = match verdict {
        Verdict::Drop => (0, None),
        Verdict::Accept => (1, None),
        Verdict::Jump(chain) => (-3, Some(chain)),
        Verdict::Goto(chain) => (-4, Some(chain)),
        Verdict::Return => (-5, None),
    };
    out.nested(element::VERDICT, |out| {
        out.be32(element::VERDICT_CODE, code.cast_unsigned());
        if let Some(chain) = chain {
            out.string(element::VERDICT_CHAIN, chain);
        }
    });
}
