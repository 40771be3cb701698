//! What is kept, and for how long.

use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Name;

use super::{Fixture, address, alias, denied, failed, found, question, reply, soa};
use crate::cache::{CacheSettings, Lookup};

#[test]
fn answers_are_kept_as_long_as_their_shortest_ttl_within_bounds() {
    let fixture = Fixture::new(CacheSettings::default());
    let mut two = found("two.example.", 300);
    two.answers
        .push(alias("two.example.", "other.example.", 20));
    two.answers.push(address("OTHER.Example.", 60));
    let mut alias_to_nothing = reply("alias.example.", ResponseCode::NoError);
    let to_nothing = alias("alias.example.", "nothing.org.", 300);
    alias_to_nothing.answers.push(to_nothing);
    alias_to_nothing.authorities.push(soa("org.", 200, 15));
    for (reply, lifetime) in [
        (found("usual.example.", 300), 300),
        (found("short.example.", 1), 5),
        (found("long.example.", 100_000), 3600),
        (two, 20),
        (alias_to_nothing, 15),
        (found("zero.example.", 0), 5),
    ] {
        assert_eq!(fixture.lifetime(&reply), lifetime, "{}", reply.name);
    }
}

#[test]
fn denials_are_kept_as_long_as_their_soa_says() {
    use ResponseCode::{NXDomain, NoError};
    let fixture = Fixture::new(CacheSettings::default());
    for (reply, lifetime) in [
        (denied("a.example.", NXDomain, soa("example.", 300, 60)), 60),
        (denied("b.example.", NXDomain, soa("example.", 30, 60)), 30),
        (denied("c.example.", NoError, soa("example.", 300, 90)), 90),
        (
            denied("d.example.", NoError, soa("example.", 9999, 9999)),
            1800,
        ),
        (denied("e.example.", NXDomain, soa("example.", 0, 0)), 5),
        // Without an SOA of a zone that has the name, a denial is anybody's word.
        (reply("f.example.", NXDomain), 0),
        (denied("g.example.", NXDomain, soa("evil.org.", 300, 60)), 0),
        (reply("h.example.", NoError), 5),
    ] {
        assert_eq!(fixture.lifetime(&reply), lifetime, "{}", reply.name);
    }
    let soa = denied("i.example.", NXDomain, soa("example.", 300, 60));
    fixture.keep(&soa, 0);
    let given = fixture.given("i.example.", 10);
    assert_eq!(given, Some((NXDomain, vec![50])), "the SOA's TTL");
}

#[test]
fn failures_are_kept_for_five_seconds_or_as_told() {
    let fixture = Fixture::new(CacheSettings::default());
    assert_eq!(fixture.lifetime(&failed("a.example.")), 5);
    for code in [
        ResponseCode::Refused,
        ResponseCode::FormErr,
        ResponseCode::NotImp,
    ] {
        assert_eq!(fixture.lifetime(&reply("b.example.", code)), 0, "{code}");
    }
    let fixture = Fixture::new(CacheSettings {
        failure: Duration::ZERO,
        ..CacheSettings::default()
    });
    assert_eq!(fixture.lifetime(&failed("a.example.")), 0);
}

#[test]
fn what_nobody_asked_for_and_what_was_cut_off_is_never_kept() {
    let fixture = Fixture::new(CacheSettings::default());
    let mut cut_off = found("a.example.", 300);
    cut_off.metadata.truncation = true;
    assert_eq!(fixture.lifetime(&cut_off), 0);
    assert_eq!(fixture.counters.drops.get(), 0);
    let mut unrelated = found("b.example.", 300);
    unrelated.answers.push(address("bank.example.", 300));
    assert_eq!(fixture.lifetime(&unrelated), 0);
    let mut behind_a_denial = denied(
        "c.example.",
        ResponseCode::NXDomain,
        soa("example.", 300, 60),
    );
    behind_a_denial.answers.push(address("bank.example.", 300));
    assert_eq!(fixture.lifetime(&behind_a_denial), 0);
    assert_eq!(fixture.counters.drops.get(), 2);
    let mut endless = reply("n0.example.", ResponseCode::NoError);
    for number in 0..40 {
        let [from, to] = [number, number + 1].map(|number| format!("n{number}.example."));
        endless.answers.push(alias(&from, &to, 300));
    }
    assert_eq!(fixture.lifetime(&endless), 0);
}

#[test]
fn questions_that_differ_have_different_answers() {
    let fixture = Fixture::new(CacheSettings::default());
    fixture.keep(&found("a.example.", 300), 0);
    let same = question(&Name::from_ascii("a.example.").expect("a name"));
    let mut others = vec![same.clone(); 4];
    others[0].kind = 28;
    others[1].dnssec_ok = true;
    others[2].checking_disabled = true;
    others[3].name = (*b"\x01b\x07example\0").into();
    for other in others {
        let found = fixture.cache.look_up(&other.as_question(), fixture.start);
        assert!(matches!(found, Lookup::Miss), "{other:?}");
    }
    let found = fixture.cache.look_up(&same.as_question(), fixture.start);
    assert!(matches!(found, Lookup::Hit(_)));
    assert_eq!(fixture.counters.success_hits.get(), 1);
    assert_eq!(fixture.counters.misses.get(), 4);
}

#[test]
fn what_came_last_is_what_counts() {
    let fixture = Fixture::new(CacheSettings::default());
    let denial = denied(
        "a.example.",
        ResponseCode::NXDomain,
        soa("example.", 300, 60),
    );
    fixture.keep(&found("a.example.", 300), 0);
    fixture.keep(&denial, 1);
    let code = |after| fixture.given("a.example.", after).map(|(code, _)| code);
    assert_eq!(code(2), Some(ResponseCode::NXDomain));
    fixture.keep(&found("a.example.", 300), 3);
    assert_eq!(code(4), Some(ResponseCode::NoError));
    fixture.keep(&failed("a.example."), 5);
    assert_eq!(
        code(6),
        Some(ResponseCode::NoError),
        "a failure says nothing"
    );
    let entries = fixture.cache.entries();
    assert_eq!((entries.success, entries.denial), (1, 0));
}

#[test]
fn only_what_is_wanted_is_kept() {
    let zone = |text: &str| vec![text.parse().expect("a zone")];
    let mut settings = CacheSettings {
        zones: zone("org"),
        ..CacheSettings::default()
    };
    settings.success.disabled = zone("live.org");
    settings.denial.disabled = zone(".");
    settings.keep_ttl = true;
    let fixture = Fixture::new(settings);
    for (name, lifetime) in [("a.com.", 0), ("a.live.org.", 0), ("a.org.", 300)] {
        assert_eq!(fixture.lifetime(&found(name, 300)), lifetime, "{name}");
    }
    let denial = denied("b.org.", ResponseCode::NXDomain, soa("org.", 300, 60));
    assert_eq!(fixture.lifetime(&denial), 0);
    let given = fixture.given("a.org.", 299);
    assert_eq!(given, Some((ResponseCode::NoError, vec![300])));
}
