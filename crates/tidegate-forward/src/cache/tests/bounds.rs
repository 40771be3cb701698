//! What makes way for what.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::BinDecodable;

use super::{Fixture, address, denied, found, question, reply, soa};
use crate::cache::CacheSettings;

#[test]
fn a_million_names_that_do_not_exist_cost_no_answer_its_place() {
    let mut settings = CacheSettings::default();
    settings.denial.entries = 1024;
    settings.denial.bytes = 1 << 20;
    let fixture = Fixture::new(settings);
    let names: Vec<String> = (0..1000).map(|n| format!("good{n}.example.")).collect();
    for name in &names {
        fixture.keep(&found(name, 3000), 0);
    }
    let mut denial = denied(
        "x.example.",
        ResponseCode::NXDomain,
        soa("example.", 300, 60),
    );
    let mut asked = question(&denial.name);
    for number in 0_u32..1_000_000 {
        // A label of ten letters that looks random, and never comes twice.
        let label = format!("{:010}", number.wrapping_mul(2_654_435_761));
        let wire = [b"\x0a", label.as_bytes(), b"\x07example\0"].concat();
        asked.name = wire.into();
        denial.name = Name::from_bytes(&asked.name).expect("a name");
        let now = fixture.start;
        let stored = fixture
            .cache
            .store(&asked.as_question(), denial.clone(), now);
        assert!(stored.is_ok());
    }
    let entries = fixture.cache.entries();
    assert_eq!(entries.success, 1000);
    assert!(entries.denial <= 1024, "{entries:?}");
    assert!(fixture.cache.denial.weight() <= 1 << 20);
    assert!(names.iter().all(|name| fixture.given(name, 1).is_some()));
    let evicted = fixture.counters.denial_evictions.get();
    assert!(evicted >= 1_000_000 - 1024, "{evicted}");
    assert_eq!(fixture.counters.success_evictions.get(), 0);
}

#[test]
fn large_answers_are_bounded_by_their_octets() {
    let mut settings = CacheSettings::default();
    settings.success.bytes = 1 << 20;
    let fixture = Fixture::new(settings);
    for number in 0..200 {
        let name = format!("large{number}.example.");
        let mut reply = reply(&name, ResponseCode::NoError);
        reply.answers = (0..1000).map(|_| address(&name, 300)).collect();
        fixture.keep(&reply, 0);
    }
    let entries = fixture.cache.entries().success;
    assert!((8..=64).contains(&entries), "{entries} of 16 KiB in 1 MiB");
    assert!(fixture.cache.success.weight() <= 1 << 20);
}
