//! Refreshing what changed gives the same as planning everything, and costs only what changed.

use proptest::prelude::*;
use tidegate_model::{ClusterIp, ExternalIp, ServiceKey, Snapshot};
use tidegate_plan::{Delta, PlanKey, Planner, Problem};

use crate::fixture::*;

fn at(name: &str, address: &str) -> tidegate_model::Service {
    let mut service = service(name);
    service.cluster_ips = vec![ClusterIp(ip(address))];
    service
}

#[test]
fn line_26_an_endpoint_change_touches_its_service_alone() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&at("a", "10.96.0.1"));
    snapshot.set_service(&at("b", "10.96.0.2"));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.set_slice(&slice("s", "b", vec![endpoint("10.244.0.2")]));
    let delta = planner.refresh(&snapshot, changed);
    let touched: Vec<_> = delta
        .changes
        .iter()
        .map(|change| change.key.service.name.as_str())
        .collect();
    assert_eq!(touched, ["b"]);
}

#[test]
fn a_change_that_leaves_the_plan_as_it_is_gives_no_delta() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.set_slice(&slice("s", "web", vec![unready(endpoint("10.244.0.2"))]));
    assert!(planner.refresh(&snapshot, changed).is_empty());
}

#[test]
fn a_frontend_that_two_services_claim_goes_to_the_first_name_and_back_when_it_goes() {
    let mut snapshot = Snapshot::default();
    let shared = vec![ExternalIp(ip("198.51.100.7"))];
    for (name, address) in [("second", "10.96.0.2"), ("first", "10.96.0.1")] {
        let mut service = at(name, address);
        service.external_ips = shared.clone();
        snapshot.set_service(&service);
        // The later one comes first, so the first one has to take the frontend away from it.
    }
    let mut planner = Planner::new(settings());
    planner.refresh(&snapshot, [ServiceKey::new("default", "second")]);
    let delta = planner.refresh(&snapshot, [ServiceKey::new("default", "first")]);
    assert!(
        matches!(&delta.problems[..], [Problem::FrontendTaken { loser, .. }] if loser.service.name == "second")
    );
    assert_eq!(frontends(&planner, "first"), 2);
    assert_eq!(frontends(&planner, "second"), 1);

    snapshot.remove_service(&ServiceKey::new("default", "first"));
    planner.refresh(&snapshot, [ServiceKey::new("default", "first")]);
    assert_eq!(frontends(&planner, "second"), 2);
}

#[test]
fn line_16_a_backend_that_leaves_its_slice_leaves_the_plan_with_the_same_delta() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    let both = vec![endpoint("10.244.0.2"), endpoint("10.244.0.3")];
    snapshot.set_slice(&slice("s", "web", both));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.set_slice(&slice("s", "web", vec![endpoint("10.244.0.3")]));
    let delta = planner.refresh(&snapshot, changed);
    let counts = backend_counts(&delta);
    assert_eq!(counts, [(Some(2), Some(1))]);
}

#[test]
fn line_27_a_delta_to_zero_endpoints_tells_which_there_were() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    snapshot.set_slice(&slice("s", "web", vec![endpoint("10.244.0.2")]));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.remove_slice(&slice("s", "web", Vec::new()).key);
    let delta = planner.refresh(&snapshot, changed);
    assert_eq!(backend_counts(&delta), [(Some(1), Some(0))]);
    snapshot.remove_service(&ServiceKey::new("default", "web"));
    let delta = planner.refresh(&snapshot, [ServiceKey::new("default", "web")]);
    assert_eq!(backend_counts(&delta), [(Some(0), None)]);
}

/// How many backends each changed Service had and has.
fn backend_counts(delta: &Delta) -> Vec<(Option<usize>, Option<usize>)> {
    let count = |plan: &Option<std::sync::Arc<tidegate_plan::ServicePlan>>| {
        plan.as_ref()
            .map(|plan| plan.ports[0].cluster_backends.len())
    };
    let changes = delta.changes.iter();
    changes
        .map(|change| (count(&change.before), count(&change.after)))
        .collect()
}

#[test]
fn line_28_a_plan_made_anew_is_the_one_that_grew() {
    let (a, b) = (at("a", "10.96.0.1"), at("b", "10.96.0.2"));
    let mut grown = Planner::new(settings());
    let mut snapshot = Snapshot::default();
    for service in [&b, &a] {
        snapshot.set_service(service);
        grown.refresh(&snapshot, [service.key.clone()]);
        let name = &service.key.name;
        let changed = snapshot.set_slice(&slice(name, name, vec![endpoint("10.244.0.2")]));
        grown.refresh(&snapshot, changed);
    }
    assert_eq!(grown.plan(), plan_all(&snapshot).plan());
}

#[test]
fn line_29_the_plan_is_all_that_a_repair_needs() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(&service("web"));
    snapshot.set_slice(&slice("s", "web", vec![endpoint("10.244.0.2")]));
    let planner = plan_all(&snapshot);
    let nothing = Planner::new(settings());
    let repair = Delta::between(nothing.plan(), planner.plan());
    assert_eq!(backend_counts(&repair), [(None, Some(1))]);
}

#[test]
fn line_30_what_only_some_modes_have_is_in_the_plan_of_every_mode() {
    let mut web = exposed("web");
    web.scheduler = Some(tidegate_model::Scheduler("wlc".to_owned()));
    let plan = plan_port(web.clone(), vec![endpoint("10.244.0.2")]);
    assert_eq!(plan.scheduler, web.scheduler);
}

#[test]
fn line_31_a_list_that_comes_again_changes_nothing() {
    let mut snapshot = Snapshot::default();
    let list = [at("a", "10.96.0.1"), at("b", "10.96.0.2")];
    for service in &list {
        snapshot.set_service(service);
    }
    let mut planner = plan_all(&snapshot);
    for service in &list {
        assert!(!snapshot.set_service(service));
    }
    let keys: Vec<_> = snapshot.keys().collect();
    assert!(planner.refresh(&snapshot, keys).is_empty());
}

#[test]
fn line_32_a_health_check_port_is_no_frontend() {
    let mut web = exposed("web");
    web.external_policy = tidegate_model::TrafficPolicy::Local;
    web.health_check_node_port = Some(tidegate_model::NodePort(32000));
    let plan = plan_port(web, vec![endpoint("10.244.0.2")]);
    assert!(plan.frontends.iter().all(|one| one.port != 32000));
}

fn frontends(planner: &Planner, name: &str) -> usize {
    let key = PlanKey {
        service: ServiceKey::new("default", name),
        family: tidegate_model::IpFamily::V4,
    };
    planner.plan().services[&key].ports[0].frontends.len()
}

/// One step of a random history over four Services that share four addresses.
#[derive(Clone, Debug)]
enum Step {
    SetService {
        name: usize,
        address: u8,
        external: Option<u8>,
    },
    RemoveService(usize),
    SetSlice {
        name: usize,
        service: usize,
        endpoints: Vec<u8>,
    },
    RemoveSlice(usize),
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4usize, 1..5u8, proptest::option::of(1..5u8)).prop_map(|(name, address, external)| {
            Step::SetService {
                name,
                address,
                external,
            }
        }),
        (0..4usize).prop_map(Step::RemoveService),
        (
            0..4usize,
            0..4usize,
            proptest::collection::vec(2..6u8, 0..3)
        )
            .prop_map(|(name, service, endpoints)| Step::SetSlice {
                name,
                service,
                endpoints
            }),
        (0..4usize).prop_map(Step::RemoveSlice),
    ]
}

fn take(snapshot: &mut Snapshot, step: Step) -> Vec<ServiceKey> {
    let key = |name: usize| ServiceKey::new("default", NAMES[name]);
    match step {
        Step::SetService {
            name,
            address,
            external,
        } => {
            let mut service = at(NAMES[name], &format!("10.96.0.{address}"));
            service.external_ips = external
                .map(|last| ExternalIp(ip(&format!("198.51.100.{last}"))))
                .into_iter()
                .collect();
            snapshot.set_service(&service);
            vec![key(name)]
        }
        Step::RemoveService(name) => {
            snapshot.remove_service(&key(name));
            vec![key(name)]
        }
        Step::SetSlice {
            name,
            service,
            endpoints,
        } => {
            let endpoints = endpoints
                .iter()
                .map(|last| endpoint(&format!("10.244.0.{last}")))
                .collect();
            snapshot.set_slice(&slice(NAMES[name], NAMES[service], endpoints))
        }
        Step::RemoveSlice(name) => snapshot
            .remove_slice(&slice(NAMES[name], "", vec![]).key)
            .into_iter()
            .collect(),
    }
}

proptest! {
    #[test]
    fn refreshing_step_by_step_is_planning_from_scratch(steps in proptest::collection::vec(step(), 1..40)) {
        let mut snapshot = Snapshot::default();
        let mut planner = Planner::new(settings());
        let mut replayed = planner.plan().clone();
        for step in steps {
            let changed = take(&mut snapshot, step);
            let before = planner.plan().clone();
            let delta = planner.refresh(&snapshot, changed);
            let compared = Delta::between(&before, planner.plan());
            prop_assert_eq!(&delta.changes, &compared.changes);
            for change in delta.changes {
                match change.after {
                    Some(after) => replayed.services.insert(change.key, after),
                    None => replayed.services.remove(&change.key),
                };
            }
        }
        let scratch = plan_all(&snapshot);
        prop_assert_eq!(planner.plan(), scratch.plan());
        prop_assert_eq!(&replayed, scratch.plan());
    }
}
