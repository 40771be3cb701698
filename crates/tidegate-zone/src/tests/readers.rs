//! Reading while it changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;
use tidegate_model::ServiceKey;

use super::ask_of;
use super::fixture::{self, entry, slice};

#[test]
fn readers_see_the_old_or_the_new_and_never_nothing() {
    let index = fixture::empty_index();
    let with = |address: &str| {
        let endpoints =
            json!([{"addresses": ["10.1.0.1"], "hostname": "stays"}, {"addresses": [address]}]);
        let slices = [slice("IPv4", &json!([]), endpoints)];
        entry("pods", json!({"clusterIP": "None"}), &slices)
    };
    fixture::set(&index, with("10.1.1.0"));
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    for (question, part) in [
                        ("pods.default.svc.cluster.local A", "10.1.0.1"),
                        ("stays.pods.default.svc.cluster.local A", "10.1.0.1"),
                        ("1.0.1.10.in-addr.arpa PTR", "stays.pods"),
                    ] {
                        let answer = ask_of(&fixture::settings(), &index, question);
                        assert!(answer.contains(part), "{question}: {answer}");
                    }
                }
            });
        }
        for turn in 0..2000 {
            fixture::set(&index, with(&format!("10.1.1.{}", turn % 250)));
            let other = ServiceKey::new("default", "other");
            fixture::set(
                &index,
                entry("other", json!({"clusterIP": "10.96.0.9"}), &[]),
            );
            index.remove(&other);
        }
        is_done.store(true, Ordering::Relaxed);
    });
}
