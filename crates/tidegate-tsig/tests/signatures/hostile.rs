//! Records that nobody in their right mind sends.

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use proptest::{prop_assert, prop_assert_eq};
use tidegate_dns_wire::{Query, Transport};
use tidegate_tsig::{Fault, check};

use crate::{THEN, asked, key, octets};

/// Checks a packet, and whether any reply that comes of it still has one record at its end.
fn survives(packet: &[u8], at: usize) -> Option<Fault> {
    let keys = [key()];
    let mut reply = octets(crate::QUESTION);
    match check(packet, at, &keys, THEN) {
        Ok(mut signer) => {
            let length = reply.len() + signer.octets();
            signer.sign(&mut reply, THEN);
            assert_eq!(reply.len(), length);
            None
        }
        Err(refusal) => {
            let (fault, length) = (refusal.fault, reply.len() + refusal.octets());
            refusal.sign(&mut reply);
            assert_eq!(reply.len(), length);
            let read = Query::read(&reply, Transport::Tcp).expect("a message");
            assert_eq!(read.signature.is_some(), fault != Fault::Malformed);
            Some(fault)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_octets_do_no_harm(packet in vec(any::<u8>(), 0..300), at in 0..320_usize) {
        prop_assert!(survives(&packet, at).is_some(), "nobody guesses a code");
    }

    #[test]
    fn a_damaged_signature_is_refused(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in any::<prop::sample::Index>(),
    ) {
        let good = asked(&key());
        let at = octets(crate::QUESTION).len();
        let mut packet = good.clone();
        for (place, value) in changes {
            let place = place.index(packet.len());
            packet[place] = value;
        }
        let is_same = packet[2..].eq_ignore_ascii_case(&good[2..]);
        let fault = survives(&packet, at);
        prop_assert!(is_same || fault.is_some());
        let cut = &good[..length.index(good.len())];
        prop_assert_eq!(survives(cut, at), Some(Fault::Malformed));
    }
}
