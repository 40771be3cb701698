use serde_json::json;
use tidegate_model::ServiceKey;

use super::ask_of;
use super::fixture::{self, entry, slice};
use crate::zone::{ZoneIndex, rotate_addresses};

fn ask(index: &ZoneIndex, question: &str) -> String {
    let text = ask_of(&fixture::settings(), index, question);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('!')).collect();
    lines.join("\n")
}

#[test]
fn a_service_that_changes_leaves_nothing_of_its_old_self() {
    let mut index = fixture::index();
    index.set(entry("web", json!({"clusterIPs": ["10.96.0.99"]}), &[]));
    assert_eq!(
        ask(&index, "web.default.svc.cluster.local A"),
        "NoError\nweb.default.svc.cluster.local. 5 IN A 10.96.0.99"
    );
    assert_eq!(ask(&index, "7.0.96.10.in-addr.arpa PTR"), "NXDomain");
    assert_eq!(ask(&index, "1.0.1.10.in-addr.arpa PTR"), "elsewhere");
    assert!(ask(&index, "99.0.96.10.in-addr.arpa PTR").contains("PTR web.default.svc"));
}

#[test]
fn a_service_that_goes_takes_its_names_and_no_others() {
    let mut index = fixture::index();
    index.remove(&ServiceKey::new("default", "pods"));
    assert_eq!(ask(&index, "pods.default.svc.cluster.local A"), "NXDomain");
    assert_eq!(
        ask(&index, "2.0.1.10.in-addr.arpa PTR"),
        "NoError\n2.0.1.10.in-addr.arpa. 5 IN PTR pod-0.more.default.svc.cluster.local."
    );
    index.remove(&ServiceKey::new("default", "pods"));
    index.remove(&ServiceKey::new("nowhere", "pods"));
}

#[test]
fn an_address_that_two_services_claim_goes_over_to_the_second() {
    let mut index = fixture::empty_index();
    for name in ["first", "second"] {
        index.set(entry(name, json!({"clusterIPs": ["10.96.0.50"]}), &[]));
    }
    let question = "50.0.96.10.in-addr.arpa PTR";
    let pointer = |name| {
        format!("NoError\n50.0.96.10.in-addr.arpa. 5 IN PTR {name}.default.svc.cluster.local.")
    };
    assert_eq!(ask(&index, question), pointer("first"));
    index.remove(&ServiceKey::new("default", "first"));
    assert_eq!(ask(&index, question), pointer("second"));
}

#[test]
fn a_virtual_address_wins_over_a_pods() {
    let mut index = fixture::empty_index();
    let endpoints = json!([{"addresses": ["10.96.0.50"]}]);
    index.set(entry(
        "a-pods",
        json!({"clusterIP": "None"}),
        &[slice("IPv4", &json!([]), endpoints)],
    ));
    index.set(entry("z-web", json!({"clusterIPs": ["10.96.0.50"]}), &[]));
    assert_eq!(
        ask(&index, "50.0.96.10.in-addr.arpa PTR"),
        "NoError\n50.0.96.10.in-addr.arpa. 5 IN PTR z-web.default.svc.cluster.local."
    );
}

#[test]
fn a_namespace_that_goes_has_no_name_any_more() {
    let mut index = fixture::empty_index();
    assert_eq!(ask(&index, "kube-system.svc.cluster.local A"), "NoError");
    index.set_namespaces(["default".to_owned()].into());
    assert_eq!(ask(&index, "kube-system.svc.cluster.local A"), "NXDomain");
}

#[test]
fn names_that_do_not_fit_are_left_out() {
    let label = "x".repeat(64);
    let mut index = fixture::empty_index();
    index.set(entry(
        "pods",
        json!({"clusterIP": "None"}),
        &[slice(
            "IPv4",
            &json!([{"name": "http", "port": 80}]),
            json!([{"addresses": ["10.1.0.1"], "hostname": label}, {"addresses": ["10.1.0.2"], "hostname": "a.b"}, {"addresses": ["10.1.0.3"]}]),
        )],
    ));
    assert_eq!(
        ask(&index, "pods.default.svc.cluster.local A"),
        "NoError\npods.default.svc.cluster.local. 5 IN A 10.1.0.3"
    );
    index.set(entry(&label, json!({"clusterIPs": ["10.96.0.50"]}), &[]));
    assert_eq!(ask(&index, "50.0.96.10.in-addr.arpa PTR"), "NoError");
}

#[test]
fn addresses_move_on_and_aliases_stay_first() {
    let settings = fixture::settings();
    let question = crate::zone::Question {
        name: "inside-pods.default.svc.cluster.local."
            .parse()
            .expect("a name"),
        kind: hickory_proto::rr::RecordType::A,
    };
    let mut firsts = Vec::new();
    for turn in 0..5 {
        let mut answer =
            crate::zone::answer(&settings, &fixture::index(), &question).expect("ours");
        rotate_addresses(&mut answer.answers, turn);
        assert_eq!(answer.answers.len(), 5);
        assert_eq!(answer.answers[0].record_type().to_string(), "CNAME");
        firsts.push(answer.answers[1].data.to_string());
    }
    assert_eq!(
        firsts,
        ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.2"]
    );
}
