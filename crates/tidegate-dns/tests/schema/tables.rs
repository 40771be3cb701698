//! The tables, each with how its names are served.

use tidegate_dns_schema as schema;
use tidegate_dns_schema::{Row, Table, ask};
use tidegate_zone::{EndpointLabels, PodNames, ZoneSettings};

use crate::scene::{Scene, settings};
use crate::zone;

/// Asks a table of both.
fn check(scene: &Scene) {
    let rows = scene.table.rows();
    let mut complaints = check_zone(scene, &rows);
    let server = scene.serve();
    let served = schema::check(&rows, &|packet, transport| {
        Some(ask(server.address, packet, transport))
    });
    complaints.extend(served.into_iter().map(|one| format!("server: {one}")));
    report(&complaints);
}

fn check_zone(scene: &Scene, rows: &[Row]) -> Vec<String> {
    let index = zone::index(scene);
    let rows: Vec<Row> = rows
        .iter()
        .filter(|row| !row.is_for_others())
        .cloned()
        .collect();
    let complaints = schema::check(&rows, &|packet, transport| {
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

/// Asks a table whose names are served by default.
fn check_default(table: Table) {
    check(&Scene::of(table));
}

/// Asks a table of a zone with these settings.
fn check_with(table: Table, settings: ZoneSettings) {
    check(&Scene {
        settings,
        ..Scene::of(table)
    });
}

#[test]
fn services_have_their_addresses_and_ports() {
    check_default(schema::SERVICES);
}

#[test]
fn headless_services_have_their_ready_endpoints() {
    check_default(schema::HEADLESS);
}

#[test]
fn external_names_are_aliases() {
    check_default(schema::ALIASES);
}

#[test]
fn the_zone_has_its_own_names_and_denies_others() {
    check_default(schema::APEX);
}

#[test]
fn addresses_lead_back_to_names() {
    check_default(schema::REVERSE);
}

#[test]
fn an_answer_is_as_long_and_as_marked_as_the_question_says() {
    check_default(schema::PACKETS);
}

#[test]
fn names_of_pods_do_not_exist_unless_they_are_wanted() {
    check_default(schema::PODS_DISABLED);
}

#[test]
fn insecure_names_of_pods_spell_any_address() {
    let table = schema::PODS_INSECURE;
    let settings = ZoneSettings {
        pod_names: PodNames::Insecure,
        ..settings(table, true)
    };
    check_with(table, settings);
}

#[test]
fn verified_names_of_pods_need_the_pod() {
    let table = schema::PODS_VERIFIED;
    let settings = ZoneSettings {
        pod_names: PodNames::Verified,
        fallthrough: vec![tidegate_dns_wire::LowerName::ROOT],
        ..settings(table, true)
    };
    check_with(table, settings);
}

#[test]
fn what_is_hidden_does_not_exist() {
    let table = schema::HIDDEN;
    let settings = ZoneSettings {
        namespaces: vec!["default".to_owned()],
        hides_empty_services: true,
        pod_names: PodNames::Insecure,
        ..settings(table, false)
    };
    check_with(table, settings);
}

#[test]
fn endpoints_are_called_by_their_pods_where_that_is_wanted() {
    check(&Scene {
        labels: EndpointLabels::PodName,
        ..Scene::of(schema::POD_NAMES)
    });
}

#[test]
fn nothing_is_denied_before_the_cluster_is_known() {
    check_default(schema::UNSYNCED);
}

#[test]
fn a_cluster_may_have_ipv4_only() {
    check_default(schema::IPV4);
}

#[test]
fn a_cluster_may_have_ipv6_only() {
    check_default(schema::IPV6);
}

#[test]
fn zones_choose_endpoints_where_that_is_wanted() {
    let table = schema::ZONAL;
    let settings = ZoneSettings {
        zonal: true,
        ..settings(table, false)
    };
    check_with(table, settings);
}
