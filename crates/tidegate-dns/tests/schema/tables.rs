//! The tables, each asked of the zone in this process and of a server over UDP and TCP.

use std::collections::BTreeSet;

use tidegate_zone::{EndpointLabels, PodNames, ZoneSettings};

use crate::objects;
use crate::row::{self, Row};
use crate::scene::{Scene, settings};
use crate::table::{self, ZONE};
use crate::{ask, zone};

/// Asks a table of both.
fn check(scene: &Scene, table: &str) {
    let rows = row::read(table, ZONE, scene.settings.ttl);
    let mut complaints = check_zone(scene, &rows);
    let server = scene.serve();
    let served = table::check(&rows, &|packet, transport| {
        Some(ask::ask(server.address, packet, transport))
    });
    complaints.extend(served.into_iter().map(|one| format!("server: {one}")));
    report(&complaints);
}

fn check_zone(scene: &Scene, rows: &[Row]) -> Vec<String> {
    let index = zone::index(scene);
    let rows: Vec<Row> = rows
        .iter()
        .filter(|row| !row.manner.served)
        .cloned()
        .collect();
    let complaints = table::check(&rows, &|packet, transport| {
        zone::ask(&scene.settings, &index, packet, transport)
    });
    let complaints = complaints.into_iter().map(|one| format!("zone: {one}"));
    complaints.collect()
}

#[track_caller]
fn report(complaints: &[String]) {
    let count = complaints.len();
    assert!(
        count == 0,
        "{count} wrong answers:\n{}",
        complaints.join("\n")
    );
}

#[test]
fn services_have_their_addresses_and_ports() {
    check(&Scene::default(), include_str!("rows/services.txt"));
}

#[test]
fn headless_services_have_their_ready_endpoints() {
    check(&Scene::default(), include_str!("rows/headless.txt"));
}

#[test]
fn external_names_are_aliases() {
    check(&Scene::default(), include_str!("rows/aliases.txt"));
}

#[test]
fn the_zone_has_its_own_names_and_denies_others() {
    check(&Scene::default(), include_str!("rows/apex.txt"));
}

#[test]
fn addresses_lead_back_to_names() {
    check(&Scene::default(), include_str!("rows/reverse.txt"));
}

#[test]
fn an_answer_is_as_long_and_as_marked_as_the_question_says() {
    check(&Scene::default(), include_str!("rows/packets.txt"));
}

#[test]
fn names_of_pods_do_not_exist_unless_they_are_wanted() {
    check(&Scene::default(), include_str!("rows/pods_disabled.txt"));
}

#[test]
fn insecure_names_of_pods_spell_any_address() {
    let scene = Scene {
        options: "pods insecure\nttl 30\nfallthrough in-addr.arpa ip6.arpa",
        settings: ZoneSettings {
            pod_names: PodNames::Insecure,
            ttl: 30,
            ..settings(true)
        },
        ..Scene::default()
    };
    check(&scene, include_str!("rows/pods_insecure.txt"));
}

#[test]
fn verified_names_of_pods_need_the_pod() {
    let scene = Scene {
        options: "pods verified\nfallthrough",
        settings: ZoneSettings {
            pod_names: PodNames::Verified,
            fallthrough: vec![tidegate_dns_wire::LowerName::ROOT],
            ..settings(true)
        },
        ..Scene::default()
    };
    check(&scene, include_str!("rows/pods_verified.txt"));
}

#[test]
fn what_is_hidden_does_not_exist() {
    let scene = Scene {
        options: "namespaces default\nignore empty_service\npods insecure",
        settings: ZoneSettings {
            namespaces: vec!["default".to_owned()],
            hides_empty_services: true,
            pod_names: PodNames::Insecure,
            ..settings(false)
        },
        ..Scene::default()
    };
    check(&scene, include_str!("rows/hidden.txt"));
}

#[test]
fn endpoints_are_called_by_their_pods_where_that_is_wanted() {
    let scene = Scene {
        options: "endpoint_pod_names\nttl 3600",
        settings: ZoneSettings {
            ttl: 3600,
            ..settings(false)
        },
        labels: EndpointLabels::PodName,
        ..Scene::default()
    };
    check(&scene, include_str!("rows/pod_names.txt"));
}

#[test]
fn nothing_is_denied_before_the_cluster_is_known() {
    let scene = Scene {
        is_synced: false,
        ..Scene::default()
    };
    check(&scene, include_str!("rows/unsynced.txt"));
}

#[test]
fn a_cluster_may_have_one_family_only() {
    let four = Scene {
        objects: objects::single_stack("10.96.0.7", "10.1.0.1"),
        ..Scene::default()
    };
    check(&four, include_str!("rows/single_four.txt"));
    let six = Scene {
        objects: objects::single_stack("fd00:96::7", "fd00:1::1"),
        ..Scene::default()
    };
    check(&six, include_str!("rows/single_six.txt"));
}

#[test]
fn zones_choose_endpoints_where_that_is_wanted() {
    let scene = Scene {
        options: "zonal",
        settings: ZoneSettings {
            zonal: true,
            ..settings(false)
        },
        ..Scene::default()
    };
    check(&scene, include_str!("rows/zonal.txt"));
}

/// Rules whose rows are elsewhere: the annotation that came before publishNotReadyAddresses, which
/// is the controllers' to heed, and the rotation of addresses, which takes many questions.
const ELSEWHERE: [&str; 2] = ["§3.3", "§5.3"];

#[test]
fn every_rule_has_a_row() {
    let tables = [
        include_str!("rows/services.txt"),
        include_str!("rows/headless.txt"),
        include_str!("rows/aliases.txt"),
        include_str!("rows/apex.txt"),
        include_str!("rows/reverse.txt"),
        include_str!("rows/packets.txt"),
        include_str!("rows/pods_disabled.txt"),
        include_str!("rows/pods_insecure.txt"),
        include_str!("rows/pods_verified.txt"),
        include_str!("rows/hidden.txt"),
        include_str!("rows/pod_names.txt"),
        include_str!("rows/unsynced.txt"),
        include_str!("rows/zonal.txt"),
        include_str!("rows/single_four.txt"),
        include_str!("rows/single_six.txt"),
    ];
    let rows: Vec<Row> = tables
        .iter()
        .flat_map(|table| row::read(table, ZONE, 5))
        .collect();
    assert!(rows.len() > 800, "{} rows", rows.len());
    let numbers: BTreeSet<&str> = rows.iter().map(|row| row.number.as_str()).collect();
    for (section, last) in [(1, 30), (2, 3), (3, 3), (4, 11), (5, 3)] {
        for rule in 1..=last {
            let number = format!("§{section}.{rule}");
            let is_here = numbers.contains(number.as_str());
            assert!(is_here || ELSEWHERE.contains(&number.as_str()), "{number}");
        }
    }
}
