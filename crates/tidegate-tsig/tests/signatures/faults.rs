//! Signatures that aren't good, and what is said to that.

use tidegate_dns_wire::{Code, LowerName, Query, Transport};
use tidegate_tsig::{Algorithm, Fault, Key, check};

use crate::{THEN, asked, checked, hex, key, key_of, octets};

/// The question with NOTAUTH, unsigned.
const REFUSED: &str = "12348189000100000000000003776562076578616d706c650000010001";

const BAD_TIME: &str = "12348189000100000000000103776562076578616d706c650000010001\
    06726561646572076578616d706c650000fa00ff0000000000430b686d61632d7368613235360000006553f100012c\
    0020f185e1167ea035aadded39d2d6cad040d06e945bf0e2a563a236c12befa0f83612340012000600006553f4e8";

const BAD_CODE: &str = "12348189000100000000000103776562076578616d706c650000010001\
    06726561646572076578616d706c650000fa00ff00000000001d0b686d61632d7368613235360000006553f4e8012c\
    0000123400100000";

/// The fault of a question, the code of the reply, and the reply.
#[track_caller]
fn refused(question: &[u8], keys: &[Key], now: u64) -> (Fault, Code, String) {
    let refusal = checked(question, keys, now).expect_err("a refusal");
    let (fault, code) = (refusal.fault, refusal.code());
    let mut reply = octets(REFUSED);
    let length = reply.len() + refusal.octets();
    refusal.sign(&mut reply);
    assert_eq!(reply.len(), length, "the length is known beforehand");
    (fault, code, hex(&reply))
}

#[test]
fn a_question_of_another_time_is_told_ours_in_a_signed_reply() {
    let question = asked(&key());
    let reply = refused(&question, &[key()], THEN + 1000);
    let expected = (Fault::WrongTime, Code::NOT_AUTHORITATIVE, BAD_TIME.into());
    assert_eq!(reply, expected);
    for now in [THEN - 300, THEN + 300] {
        assert!(checked(&question, &[key()], now).is_ok(), "{now}");
    }
    for now in [0, THEN - 301, THEN + 301, u64::MAX] {
        let (fault, ..) = refused(&question, &[key()], now);
        assert_eq!(fault, Fault::WrongTime, "{now}");
    }
}

#[test]
fn a_wrong_secret_is_told_without_a_signature() {
    let mut other = key();
    other.secret = b"another".to_vec();
    let reply = refused(&asked(&other), &[key()], THEN + 1000);
    let expected = (Fault::WrongCode, Code::NOT_AUTHORITATIVE, BAD_CODE.into());
    assert_eq!(reply, expected, "and before the time is looked at");
}

#[test]
fn nothing_of_a_signed_question_can_be_changed() {
    let question = asked(&key());
    // The identifier may be another: the record has the one that counts.
    for at in 2..question.len() {
        let mut forged = question.clone();
        forged[at] ^= 1;
        let query = Query::read(&forged, Transport::Tcp);
        let Some(signature) = query.ok().and_then(|query| query.signature) else {
            continue;
        };
        let keys = [key()];
        assert!(
            check(&forged, signature, &keys, THEN).is_err(),
            "octet {at}"
        );
    }
}

#[test]
fn an_unknown_key_is_told_with_its_own_names() {
    let mut stranger = key_of(Algorithm::Sha512);
    stranger.name = LowerName::from_text("stranger").expect("a name");
    for (key, known) in [(&stranger, key()), (&key(), key_of(Algorithm::Sha1))] {
        let (fault, code, reply) = refused(&asked(key), &[known], THEN);
        assert_eq!((fault, code), (Fault::UnknownKey, Code::NOT_AUTHORITATIVE));
        let names = hex(key.name.as_wire()) + "00fa00ff00000000";
        assert!(reply.contains(&names), "{reply}");
        assert!(
            reply.contains(&hex(key.algorithm.name().as_bytes())),
            "{reply}"
        );
        assert!(
            reply.ends_with("0000123400110000"),
            "BADKEY, unsigned: {reply}"
        );
    }
}

#[test]
fn a_shortened_code_is_told_apart_from_one_that_is_none() {
    for algorithm in Algorithm::ALL {
        let keys = [key_of(algorithm)];
        let question = asked(&keys[0]);
        let whole = keys[0].algorithm.octets();
        for octets in 0..=whole + 1 {
            let question = with_code_of(&question, whole, octets);
            let expected = match octets {
                _ if octets == whole => {
                    assert!(checked(&question, &keys, THEN).is_ok());
                    continue;
                }
                _ if octets > whole || octets < 10.max(whole / 2) => {
                    (Fault::Malformed, Code::FORMAT_ERROR, REFUSED.to_owned())
                }
                _ => {
                    let (.., reply) = refused(&question, &keys, THEN);
                    assert!(reply.ends_with("123400160000"), "BADTRUNC: {reply}");
                    (Fault::ShortCode, Code::NOT_AUTHORITATIVE, reply)
                }
            };
            let reply = refused(&question, &keys, THEN);
            assert_eq!(reply, expected, "{algorithm:?}, {octets} octets");
        }
    }
}

/// A signed question with so many octets of its code, and more behind them if it has fewer.
fn with_code_of(question: &[u8], whole: usize, octets: usize) -> Vec<u8> {
    let end = question.len() - 6;
    let start = end - whole;
    let mut code = question[start..end].to_vec();
    code.resize(octets, 0);
    let mut other = question.to_vec();
    other.splice(start..end, code);
    other[start - 2..start].copy_from_slice(&(octets as u16).to_be_bytes());
    // The length of the record's data: the algorithm's name is before the times and the count.
    let data = key_name_end(question) + 8;
    let length = (other.len() - data - 2) as u16;
    other[data..data + 2].copy_from_slice(&length.to_be_bytes());
    other
}

/// Where type, class and TTL of the record begin.
fn key_name_end(question: &[u8]) -> usize {
    let name = key().name;
    let name = name.as_wire();
    let place = question.windows(name.len()).position(|part| part == name);
    place.expect("the key's name") + name.len()
}
