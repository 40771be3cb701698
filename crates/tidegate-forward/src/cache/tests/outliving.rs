//! Answers that run out: asked for again in time, or given in need.

use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::{Fixture, failed, found, question};
use crate::cache::{CacheSettings, Lookup, Prefetch, Refresh, Stale};

#[test]
fn popular_answers_are_asked_for_again_before_they_run_out() {
    let prefetch = Prefetch {
        amount: 3,
        ..Prefetch::default()
    };
    let fixture = Fixture::new(CacheSettings {
        prefetch: Some(prefetch),
        ..CacheSettings::default()
    });
    let wants_refresh = |after| {
        let found = fixture.look_up("a.example.", after);
        matches!(found, Lookup::HitAndRefresh(_))
    };
    fixture.keep(&found("a.example.", 300), 0);
    // Three times without a pause of a minute, but with much time left.
    assert!(!wants_refresh(200) && !wants_refresh(230) && !wants_refresh(260));
    assert!(wants_refresh(270));
    assert!(!wants_refresh(270), "somebody does it");
    assert!(wants_refresh(272), "nothing came of it");
    // Its successor is as popular, until nobody asks for a while.
    fixture.keep(&found("a.example.", 60), 290);
    assert!(!wants_refresh(291));
    assert!(wants_refresh(345));
    fixture.keep(&found("a.example.", 300), 400);
    assert!(!wants_refresh(500));
    assert!(!wants_refresh(695), "asked for once after a pause");
    assert_eq!(fixture.counters.prefetches.get(), 3);
}

fn with_stale(refresh: Refresh) -> Fixture {
    let stale = Stale {
        refresh,
        recheck: Duration::from_secs(30),
        ..Stale::default()
    };
    Fixture::new(CacheSettings {
        stale: Some(stale),
        ..CacheSettings::default()
    })
}

#[test]
fn answers_that_outlived_their_ttl_are_given_for_an_hour_where_wanted() {
    let fixture = with_stale(Refresh::Immediate);
    fixture.keep(&found("a.example.", 300), 0);
    assert!(matches!(fixture.look_up("a.example.", 299), Lookup::Hit(_)));
    let outlived = fixture.look_up("a.example.", 300);
    assert!(matches!(outlived, Lookup::HitAndRefresh(_)));
    let again = fixture.look_up("a.example.", 301);
    assert!(matches!(again, Lookup::Hit(_)), "somebody asks already");
    let given = fixture.given("a.example.", 302);
    assert_eq!(given, Some((ResponseCode::NoError, vec![0])));
    let later = fixture.look_up("a.example.", 330);
    assert!(matches!(later, Lookup::HitAndRefresh(_)));
    assert_eq!(fixture.counters.stale_served.get(), 4);
    assert_eq!(fixture.given("a.example.", 300 + 3600), None);
    let without = Fixture::new(CacheSettings::default());
    without.keep(&found("a.example.", 300), 0);
    assert_eq!(without.given("a.example.", 300), None);
}

#[test]
fn a_failure_never_takes_the_place_of_an_answer_that_may_be_given() {
    let fixture = with_stale(Refresh::Immediate);
    fixture.keep(&found("a.example.", 300), 0);
    fixture.keep(&failed("a.example."), 400);
    let code = |name, after| fixture.given(name, after).map(|(code, _)| code);
    assert_eq!(code("a.example.", 401), Some(ResponseCode::NoError));
    fixture.keep(&failed("a.example."), 4000);
    assert_eq!(code("a.example.", 4001), Some(ResponseCode::ServFail));
    fixture.keep(&failed("b.example."), 0);
    assert_eq!(code("b.example.", 6), None, "a failure is never stale");
}

#[test]
fn where_others_are_asked_first_they_are_not_asked_all_the_time() {
    let fixture = with_stale(Refresh::Verify { patience: None });
    let reply = found("a.example.", 300);
    fixture.keep(&reply, 0);
    assert_eq!(fixture.given("a.example.", 300), None);
    let question = question(&reply.name);
    let now = fixture.start + Duration::from_secs(301);
    let known = fixture.cache.known(&question.as_question(), now);
    assert!(known.is_some());
    fixture.cache.asked_in_vain(&question.as_question(), now);
    assert!(fixture.given("a.example.", 330).is_some());
    assert_eq!(fixture.given("a.example.", 331), None);
}
