use serde_json::json;
use tidegate_model::ServiceKey;

use super::fixture::{self, entry, slice};
use super::{ask_in_turn, ask_of};
use crate::ZoneIndex;

fn ask(index: &ZoneIndex, question: &str) -> String {
    let text = ask_of(&fixture::settings(), index, question);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('!')).collect();
    lines.join("\n")
}

#[test]
fn a_service_that_changes_leaves_nothing_of_its_old_self() {
    let index = fixture::index();
    fixture::set(
        &index,
        entry("web", json!({"clusterIPs": ["10.96.0.99"]}), &[]),
    );
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
    let index = fixture::index();
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
    let index = fixture::empty_index();
    for name in ["first", "second"] {
        fixture::set(
            &index,
            entry(name, json!({"clusterIPs": ["10.96.0.50"]}), &[]),
        );
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
    let index = fixture::empty_index();
    let endpoints = json!([{"addresses": ["10.96.0.50"]}]);
    fixture::set(
        &index,
        entry(
            "a-pods",
            json!({"clusterIP": "None"}),
            &[slice("IPv4", &json!([]), endpoints)],
        ),
    );
    fixture::set(
        &index,
        entry("z-web", json!({"clusterIPs": ["10.96.0.50"]}), &[]),
    );
    assert_eq!(
        ask(&index, "50.0.96.10.in-addr.arpa PTR"),
        "NoError\n50.0.96.10.in-addr.arpa. 5 IN PTR z-web.default.svc.cluster.local."
    );
}

#[test]
fn a_namespace_that_goes_has_no_name_any_more() {
    let index = fixture::empty_index();
    assert_eq!(ask(&index, "kube-system.svc.cluster.local A"), "NoError");
    index.set_namespaces(["default"]);
    assert_eq!(ask(&index, "kube-system.svc.cluster.local A"), "NXDomain");
}

#[test]
fn names_that_do_not_fit_are_left_out() {
    let label = "x".repeat(64);
    let index = fixture::empty_index();
    fixture::set(
        &index,
        entry(
            "pods",
            json!({"clusterIP": "None"}),
            &[slice(
                "IPv4",
                &json!([{"name": "http", "port": 80}]),
                json!([{"addresses": ["10.1.0.1"], "hostname": label}, {"addresses": ["10.1.0.2"], "hostname": "a.b"}, {"addresses": ["10.1.0.3"]}]),
            )],
        ),
    );
    assert_eq!(
        ask(&index, "pods.default.svc.cluster.local A"),
        "NoError\npods.default.svc.cluster.local. 5 IN A 10.1.0.3"
    );
    fixture::set(
        &index,
        entry(&label, json!({"clusterIPs": ["10.96.0.50"]}), &[]),
    );
    assert_eq!(ask(&index, "50.0.96.10.in-addr.arpa PTR"), "NXDomain");
}

#[test]
fn addresses_move_on_and_aliases_stay_first() {
    let settings = fixture::settings();
    let mut firsts = Vec::new();
    for turn in 0..5 {
        let question = "inside-pods.default.svc.cluster.local A";
        let answer = ask_in_turn(&settings, &fixture::index(), question, turn);
        let lines: Vec<&str> = answer.lines().collect();
        assert_eq!(lines.len(), 6, "{answer}");
        assert!(lines[1].contains(" CNAME "), "{answer}");
        firsts.push(lines[2].rsplit(' ').next().unwrap_or_default().to_owned());
    }
    assert_eq!(
        firsts,
        ["10.1.0.2", "10.1.0.3", "10.1.0.4", "10.1.0.5", "10.1.0.2"]
    );
}
