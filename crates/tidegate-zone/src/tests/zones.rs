//! Names that choose endpoints by their zone.

use serde_json::json;

use super::ask_of;
use super::fixture::{self, entry, slice};
use crate::{ZoneIndex, ZoneSettings};

fn index() -> ZoneIndex {
    let index = fixture::empty_index();
    let http = json!([{"name": "http", "port": 80}]);
    let endpoints = json!([
        {"addresses": ["172.0.0.1"], "zone": "us-west-2a"},
        {"addresses": ["172.0.0.2"], "zone": "us-west-2b"},
        {"addresses": ["172.0.0.3"], "zone": "us-west-2b"},
        {"addresses": ["172.0.0.4"], "zone": "rack.7"}
    ]);
    let slices = [slice("IPv4", &http, endpoints)];
    fixture::set(&index, entry("pods", json!({"clusterIP": "None"}), &slices));
    fixture::set(
        &index,
        entry("web", json!({"clusterIP": "10.96.0.7"}), &slices),
    );
    index
}

/// The last word of every line of the answer but the first, which is the code.
fn ask(zonal: bool, question: &str) -> String {
    let settings = ZoneSettings {
        zonal,
        ..fixture::settings()
    };
    let text = ask_of(&settings, &index(), question);
    let lines = text.lines().filter(|line| !line.starts_with('!'));
    let words: Vec<&str> = lines
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    words.join(" ")
}

#[test]
fn a_zone_is_pinned_or_preferred() {
    for (question, expected) in [
        ("us-west-2a.pin._zone.pods A", "NoError 172.0.0.1"),
        ("us-west-2b.pin._zone.pods A", "NoError 172.0.0.2 172.0.0.3"),
        ("US-WEST-2B.pin._zone.pods A", "NoError 172.0.0.2 172.0.0.3"),
        ("rack.7.pin._zone.pods A", "NoError 172.0.0.4"),
        ("us-west-2c.pin._zone.pods A", "NoError"),
        ("us-west-2c.pin._zone.pods TXT", "NoError"),
        ("us-west-2a.pin._zone.pods AAAA", "NoError"),
        ("us-west-2a.prefer._zone.pods A", "NoError 172.0.0.1"),
        (
            "us-west-2c.prefer._zone.pods A",
            "NoError 172.0.0.1 172.0.0.2 172.0.0.3 172.0.0.4",
        ),
        ("us-west-2a.florp._zone.pods A", "NXDomain"),
        ("us-west-2a.pin._zone.ghost A", "NXDomain"),
        ("us-west-2a.pin._zone.web A", "NXDomain"),
        ("pin._zone.pods A", "NoError"),
        ("_zone.pods A", "NoError"),
        ("_zone.web A", "NXDomain"),
    ] {
        let (name, kind) = question.split_once(' ').expect("a name and a type");
        let question = format!("{name}.default.svc.cluster.local {kind}");
        assert_eq!(ask(true, &question), expected, "{question}");
    }
}

#[test]
fn places_are_shares_of_the_zone() {
    let settings = ZoneSettings {
        zonal: true,
        ..fixture::settings()
    };
    let question = "us-west-2b.pin._zone.pods.default.svc.cluster.local SRV";
    let name = "us-west-2b.pin._zone.pods.default.svc.cluster.local.";
    let expected = format!(
        "NoError\n{name} 5 IN SRV 0 50 80 172-0-0-2.pods.default.svc.cluster.local.\n\
         {name} 5 IN SRV 0 50 80 172-0-0-3.pods.default.svc.cluster.local.\n\
         + 172-0-0-2.pods.default.svc.cluster.local. 5 IN A 172.0.0.2\n\
         + 172-0-0-3.pods.default.svc.cluster.local. 5 IN A 172.0.0.3"
    );
    assert_eq!(ask_of(&settings, &index(), question), expected);
}

#[test]
fn without_the_option_there_are_no_such_names() {
    for name in ["us-west-2a.pin._zone.pods", "pin._zone.pods", "_zone.pods"] {
        let question = format!("{name}.default.svc.cluster.local A");
        assert_eq!(ask(false, &question), "NXDomain", "{question}");
    }
}
