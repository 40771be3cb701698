//! What is sent, compared with what another implementation of HMAC makes of the same octets, laid out by
//! hand after RFC 8945.

use tidegate_tsig::Algorithm;

use crate::{QUESTION, THEN, asked, checked, hex, key, key_of, octets};

const SIGNED_QUESTION: &str = "12340100000100000000000103776562076578616d706c65000001000106\
    726561646572076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c\
    00203b236b8e099849246138516d128b6bb8090feb9710e9477df0c1695b0272b59e123400000000";

/// 192.0.2.1, unsigned.
const REPLY: &str = "12348580000100010000000003776562076578616d706c650000010001\
    c00c00010001000000050004c0000201";

const SIGNED_REPLY: &str = "12348580000100010000000103776562076578616d706c650000010001\
    c00c00010001000000050004c0000201\
    06726561646572076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f101012c\
    0020bed23bba1791ccd6156018cd1b0963d329617cc5350963acbe63683d455c3eb9123400000000";

/// 192.0.2.2, in the message behind that.
const SIGNED_NEXT: &str = "12348580000100010000000103776562076578616d706c650000010001\
    c00c00010001000000050004c0000202\
    06726561646572076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006553f102012c\
    0020dd76c8311c3f5ad6d317d4b66deaebc341f1dc49cc8b34b9e13296f02a168f72123400000000";

#[test]
fn a_question_is_signed_with_the_variables_of_its_record() {
    assert_eq!(hex(&asked(&key())), SIGNED_QUESTION);
}

#[test]
fn the_messages_of_a_reply_are_signed_each_with_the_code_before() {
    let keys = [key()];
    let mut signer = checked(&octets(SIGNED_QUESTION), &keys, THEN).expect("a good signature");
    let mut first = octets(REPLY);
    let length = first.len() + signer.octets();
    signer.sign(&mut first, THEN + 1);
    assert_eq!(hex(&first), SIGNED_REPLY);
    assert_eq!(first.len(), length, "the length is known beforehand");
    let mut next = octets(REPLY);
    *next.last_mut().expect("octets") = 2;
    signer.sign(&mut next, THEN + 2);
    assert_eq!(hex(&next), SIGNED_NEXT);
}

#[test]
fn every_algorithm_knows_its_own_signatures_and_no_others() {
    let keys = Algorithm::ALL.map(key_of);
    for (index, key) in keys.iter().enumerate() {
        let question = asked(key);
        assert!(checked(&question, &keys, THEN).is_ok(), "{key:?}");
        let mut others = keys.to_vec();
        others.remove(index);
        assert!(checked(&question, &others, THEN).is_err(), "{key:?}");
    }
}

#[test]
fn letters_pointers_and_new_identifiers_do_not_matter() {
    let mut question = octets(SIGNED_QUESTION);
    // Somebody has passed it on under another identifier.
    question[..2].copy_from_slice(&[0xab, 0xcd]);
    let name = QUESTION.len() / 2;
    question[name + 1..name + 7].make_ascii_uppercase();
    assert!(checked(&question, &[key()], THEN).is_ok());
    // `example` is in the question, at octet 16.
    question.splice(name + 7..name + 16, [0xc0, 16]);
    let keys = [key()];
    let mut signer = checked(&question, &keys, THEN).expect("a good signature");
    let mut reply = octets(REPLY);
    reply[..2].copy_from_slice(&[0xab, 0xcd]);
    signer.sign(&mut reply, THEN);
    let original = reply.len() - 6..reply.len() - 4;
    assert_eq!(
        reply[original],
        [0xab, 0xcd],
        "what is signed is what is sent"
    );
}

#[test]
fn a_secret_is_not_printed() {
    let text = format!("{:?}", key());
    assert!(
        text.contains("reader.example.") && text.contains("Sha256"),
        "{text}"
    );
    assert!(!text.contains("115") && !text.contains("sixteen"), "{text}");
}
