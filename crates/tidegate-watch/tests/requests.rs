//! What is asked of an API server, and what becomes of its answers: against an API in memory.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tidegate_watch::{
    Backlog, ClusterWatch, NodeState, PodListener, Scope, Selectors, follow_node,
    follow_service_cidrs,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// An API that lists what it is told to, and answers every watch with silence.
#[derive(Clone, Default)]
struct Api {
    asked: Arc<Mutex<BTreeSet<String>>>,
    lists: Arc<Mutex<Vec<(&'static str, Value)>>>,
    fault: Arc<watch::Sender<Fault>>,
    failed: Arc<AtomicUsize>,
}

/// What is wrong with an API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fault {
    #[default]
    Nothing,
    /// Every request fails.
    Away,
    /// It is back and doesn't remember from where its clients watched.
    Forgetful,
}

impl Api {
    fn listing(lists: Vec<(&'static str, Value)>) -> Self {
        Self {
            lists: Arc::new(Mutex::new(lists)),
            ..Self::default()
        }
    }

    fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request.uri().to_string()).await) }
        });
        Client::new(service, "default")
    }

    async fn answer(&self, uri: String) -> Response<Body> {
        self.asked.lock().expect("no panic").insert(uri.clone());
        if uri.contains("watch=") {
            let mut fault = self.fault.subscribe();
            let is_wrong = fault.wait_for(|fault| *fault != Fault::Nothing).await;
            let fault = *is_wrong.expect("the API is there");
            return self.refusal(fault);
        }
        if *self.fault.borrow() == Fault::Away {
            return self.refusal(Fault::Away);
        }
        let lists = self.lists.lock().expect("no panic");
        let found = lists.iter().find(|(path, _)| uri.starts_with(path));
        let (status, body) = match found {
            Some((_, items)) => (
                StatusCode::OK,
                json!({"metadata": {"resourceVersion": "7"}, "items": items}),
            ),
            None => (
                StatusCode::NOT_FOUND,
                json!({"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404, "message": "no such kind"}),
            ),
        };
        let mut response = Response::new(Body::from(body.to_string().into_bytes()));
        *response.status_mut() = status;
        response
    }

    fn refusal(&self, fault: Fault) -> Response<Body> {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let away = json!({"kind": "Status", "status": "Failure", "code": 503, "message": "away"});
        let expired = json!({"type": "ERROR", "object": {"kind": "Status", "status": "Failure",
            "reason": "Expired", "code": 410, "message": "too old resource version"}});
        let (status, body) = match fault {
            Fault::Forgetful => (StatusCode::OK, expired),
            Fault::Away | Fault::Nothing => (StatusCode::SERVICE_UNAVAILABLE, away),
        };
        let mut response = Response::new(Body::from(format!("{body}\n").into_bytes()));
        *response.status_mut() = status;
        response
    }

    /// The requests so far that are lists, as soon as there are so many.
    async fn lists_asked(&self, how_many: usize) -> Vec<String> {
        for _ in 0..2000 {
            let asked = self.asked.lock().expect("no panic").clone();
            let lists: Vec<String> = asked
                .into_iter()
                .filter(|uri| !uri.contains("watch="))
                .collect();
            if lists.len() >= how_many {
                return lists;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("only asked for {:?}", self.asked.lock().expect("no panic"));
    }
}

#[tokio::test]
async fn a_proxy_asks_for_no_more_than_upstream_does() {
    let api = Api::listing(vec![
        ("/api/v1/services", json!([])),
        ("/apis/discovery.k8s.io/v1/endpointslices", json!([])),
    ]);
    let shutdown = CancellationToken::new();
    let watch = ClusterWatch::start(&api.client(), Scope::Proxy, shutdown.clone());
    let _node = follow_node(&api.client(), "here", shutdown.clone());
    watch.subscribe().changed().await;
    insta::assert_snapshot!(api.lists_asked(3).await.join("\n"), @r"
    /api/v1/nodes?&fieldSelector=metadata.name%3Dhere&limit=500
    /api/v1/services?&fieldSelector=spec.clusterIP%21%3DNone&labelSelector=%21service.kubernetes.io%2Fservice-proxy-name&limit=100
    /apis/discovery.k8s.io/v1/endpointslices?&labelSelector=%21service.kubernetes.io%2Fheadless&limit=100
    ");
    shutdown.cancel();
}

/// Somebody who only wants pods to be watched.
struct Nobody;

impl PodListener for Nobody {
    fn has(&self, _: &str, _: IpAddr) {}

    fn lost(&self, _: &str, _: IpAddr) {}

    fn synced(&self) {}
}

#[tokio::test]
async fn a_selection_is_made_by_the_api_and_only_on_demand() {
    let api = Api::listing(vec![
        ("/api/v1/namespaces", json!([])),
        ("/api/v1/pods", json!([])),
        ("/api/v1/services", json!([])),
        ("/apis/discovery.k8s.io/v1/endpointslices", json!([])),
    ]);
    let shutdown = CancellationToken::new();
    let whole = ClusterWatch::on_demand(&api.client(), Scope::Everything, shutdown.clone());
    let selectors = Selectors {
        objects: Some("app in (web, db),!canary".to_owned()),
        namespaces: Some("team=a".to_owned()),
    };
    let watch = whole.selected(&selectors, shutdown.clone());
    watch.subscribe().changed().await;
    let listener: Arc<dyn PodListener> = Arc::new(Nobody);
    watch.tell_pods(&listener);
    insta::assert_snapshot!(api.lists_asked(4).await.join("\n"), @r"
    /api/v1/namespaces?&labelSelector=team%3Da&limit=100
    /api/v1/pods?&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed%2Cstatus.phase%21%3DUnknown&labelSelector=app+in+%28web%2C+db%29%2C%21canary&limit=100
    /api/v1/services?&labelSelector=app+in+%28web%2C+db%29%2C%21canary&limit=100
    /apis/discovery.k8s.io/v1/endpointslices?&labelSelector=app+in+%28web%2C+db%29%2C%21canary&limit=100
    ");
    shutdown.cancel();
}

#[tokio::test]
async fn line_31_the_last_known_state_serves_until_the_api_is_back_and_only_differences_are_told() {
    let service = |name: &str| json!({"metadata": {"namespace": "default", "name": name}, "spec": {"clusterIP": "10.96.0.1"}});
    let api = Api::listing(vec![
        (
            "/api/v1/services",
            json!([service("gone"), service("stays")]),
        ),
        ("/apis/discovery.k8s.io/v1/endpointslices", json!([])),
    ]);
    let shutdown = CancellationToken::new();
    let watch = ClusterWatch::start(&api.client(), Scope::Proxy, shutdown.clone());
    let mut subscription = watch.subscribe();
    assert_eq!(subscription.changed().await.services.len(), 2);
    api.fault.send_replace(Fault::Away);
    while api.failed.load(Ordering::Relaxed) < 4 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(watch.snapshot().keys().count(), 2);
    assert_eq!(subscription.unread().backlog(), Backlog::default());
    api.lists.lock().expect("no panic")[0].1 = json!([service("new"), service("stays")]);
    api.fault.send_replace(Fault::Forgetful);
    let changed = async {
        let mut all = BTreeSet::new();
        while all.len() < 2 {
            let changes = subscription.changed().await.services;
            all.extend(changes.into_iter().map(|key| key.name));
        }
        all
    };
    let changed = tokio::time::timeout(Duration::from_secs(60), changed).await;
    let changed = changed.expect("the lists are compared");
    assert_eq!(changed.into_iter().collect::<Vec<_>>(), ["gone", "new"]);
    shutdown.cancel();
}

#[tokio::test]
async fn a_node_that_is_listed_is_present_and_another_is_absent() {
    let node = json!({"metadata": {"name": "here"}, "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.7"}]}});
    for (items, is_there) in [(json!([node]), true), (json!([]), false)] {
        let api = Api::listing(vec![("/api/v1/nodes", items)]);
        let shutdown = CancellationToken::new();
        let mut state = follow_node(&api.client(), "here", shutdown.clone());
        let known = state.wait_for(|state| *state != NodeState::Unknown);
        let known = known.await.expect("it is followed").clone();
        assert_eq!(
            matches!(known, NodeState::Present(_)),
            is_there,
            "{known:?}"
        );
        shutdown.cancel();
    }
}

#[tokio::test]
async fn service_ranges_are_those_of_every_object() {
    let api = Api::listing(vec![(
        "/apis/networking.k8s.io/v1/servicecidrs",
        json!([
            {"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/16", "fd00:96::/112"]}},
            {"metadata": {"name": "more"}, "spec": {"cidrs": ["10.97.0.0/16", "nonsense"]}},
        ]),
    )]);
    let shutdown = CancellationToken::new();
    let mut ranges = follow_service_cidrs(&api.client(), shutdown.clone());
    let known = ranges.wait_for(Option::is_some).await;
    let known = known.expect("it is followed").clone().expect("is known");
    let known: Vec<String> = known.iter().map(ToString::to_string).collect();
    assert_eq!(known, ["10.96.0.0/16", "10.97.0.0/16", "fd00:96::/112"]);
    shutdown.cancel();
}

#[tokio::test]
async fn an_api_without_service_ranges_leaves_them_unknown() {
    let api = Api::default();
    let shutdown = CancellationToken::new();
    let ranges = follow_service_cidrs(&api.client(), shutdown.clone());
    api.lists_asked(1).await;
    assert_eq!(*ranges.borrow(), None);
    shutdown.cancel();
}
