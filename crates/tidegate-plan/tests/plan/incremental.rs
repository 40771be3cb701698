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
fn an_endpoint_change_touches_its_service_alone() {
    let mut snapshot = Snapshot::default();
    snapshot.set_service(at("a", "10.96.0.1"));
    snapshot.set_service(at("b", "10.96.0.2"));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.set_slice(slice("s", "b", vec![endpoint("10.244.0.2")]));
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
    snapshot.set_service(service("web"));
    let mut planner = plan_all(&snapshot);
    let changed = snapshot.set_slice(slice("s", "web", vec![unready(endpoint("10.244.0.2"))]));
    assert!(planner.refresh(&snapshot, changed).is_empty());
}

#[test]
fn a_frontend_that_two_services_claim_goes_to_the_first_name_and_back_when_it_goes() {
    let mut snapshot = Snapshot::default();
    let shared = vec![ExternalIp(ip("198.51.100.7"))];
    for (name, address) in [("second", "10.96.0.2"), ("first", "10.96.0.1")] {
        let mut service = at(name, address);
        service.external_ips = shared.clone();
        snapshot.set_service(service);
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
            snapshot.set_service(service);
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
            snapshot.set_slice(slice(NAMES[name], NAMES[service], endpoints))
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
