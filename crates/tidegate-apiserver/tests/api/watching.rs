//! Lists and watches.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::Request;
use http_body_util::BodyExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api,
    api::{ListParams, ObjectMeta, PostParams, WatchEvent, WatchParams},
    client::Body,
    runtime::watcher,
};
use serde_json::{Value, json};
use tidegate_store::Options;

use crate::support::{Cluster, message, start, start_on};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Long enough for the slowest machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(60);

/// The lines of a watch, one event each.
struct Events {
    body: std::pin::Pin<Box<dyn futures::Stream<Item = Bytes> + Send>>,
    pending: Vec<u8>,
}

impl Events {
    async fn open(cluster: &Cluster, query: &str, accept: &str) -> Self {
        let request = Request::builder()
            .uri(format!("{MAPS}?watch=true&{query}"))
            .header("accept", accept)
            .body(Body::empty())
            .unwrap();
        let response = cluster.client.send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = response
            .into_body()
            .into_data_stream()
            .map(|chunk| chunk.unwrap());
        Self {
            body: Box::pin(body),
            pending: Vec::new(),
        }
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk = tokio::time::timeout(PATIENCE, self.body.next())
                .await
                .unwrap()?;
            self.pending.extend_from_slice(&chunk);
        }
    }

    /// Type and name of the next event.
    async fn next_name(&mut self) -> (String, String) {
        let event = self.next().await.unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&event["type"]),
            text(&event["object"]["metadata"]["name"]),
        )
    }
}

fn event(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

async fn create(cluster: &Cluster, name: &str, app: &str) -> Value {
    let body = json!({"metadata": {"name": name, "labels": {"app": app}}});
    let (status, created) = cluster.post(MAPS, body).await;
    assert_eq!(status, 201, "{created}");
    created
}

#[tokio::test]
async fn a_watch_tells_every_change_after_its_beginning() {
    let cluster = start().await;
    let first = create(&cluster, "a", "web").await;
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let mut events = Events::open(&cluster, &format!("resourceVersion={version}"), "*/*").await;
    create(&cluster, "b", "web").await;
    cluster
        .merge(&format!("{MAPS}/b"), json!({"data": {"x": "1"}}))
        .await;
    cluster.delete(&format!("{MAPS}/b")).await;
    assert_eq!(events.next_name().await, event("ADDED", "b"));
    let modified = events.next().await.unwrap();
    assert_eq!(modified["type"], "MODIFIED");
    let deleted = events.next().await.unwrap();
    assert_eq!(
        (&deleted["type"], &deleted["object"]["data"]["x"]),
        (&json!("DELETED"), &json!("1"))
    );
    let version = |event: &Value| {
        event["object"]["metadata"]["resourceVersion"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    assert!(
        version(&deleted) > version(&modified),
        "a deletion has a version of its own"
    );
}

#[tokio::test]
async fn a_selector_turns_changes_into_comings_and_goings() {
    let cluster = start().await;
    create(&cluster, "a", "web").await;
    let mut events = Events::open(&cluster, "labelSelector=app%3Dweb", "*/*").await;
    assert_eq!(events.next_name().await, event("ADDED", "a"));
    create(&cluster, "b", "api").await;
    let relabel = |app: &str| json!({"metadata": {"labels": {"app": app}}});
    cluster.merge(&format!("{MAPS}/b"), relabel("web")).await;
    assert_eq!(events.next_name().await, event("ADDED", "b"));
    cluster.merge(&format!("{MAPS}/b"), relabel("api")).await;
    let gone = events.next().await.unwrap();
    assert_eq!(gone["type"], "DELETED");
    assert_eq!(
        gone["object"]["metadata"]["labels"]["app"], "web",
        "the last state that matched"
    );
}

#[tokio::test]
async fn one_object_can_be_watched_by_name() {
    let cluster = start().await;
    let query = "fieldSelector=metadata.name%3Dab";
    let mut events = Events::open(&cluster, query, "*/*").await;
    for name in ["a", "abc", "ab"] {
        create(&cluster, name, "x").await;
    }
    assert_eq!(events.next_name().await, event("ADDED", "ab"));
}

#[tokio::test]
async fn a_streaming_list_ends_its_beginning_with_a_bookmark() {
    let cluster = start().await;
    create(&cluster, "a", "x").await;
    let query = "sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let mut events = Events::open(&cluster, query, "*/*").await;
    assert_eq!(events.next_name().await, event("ADDED", "a"));
    let mark = events.next().await.unwrap();
    assert_eq!(mark["type"], "BOOKMARK");
    assert_eq!(
        mark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );

    let (status, _) = cluster
        .get(&format!("{MAPS}?watch=1&sendInitialEvents=true"))
        .await;
    assert_eq!(
        status, 422,
        "upstream wants to be told how old the list may be"
    );
}

#[tokio::test]
async fn a_table_watch_describes_its_columns_once() {
    let cluster = start().await;
    create(&cluster, "a", "x").await;
    create(&cluster, "b", "x").await;
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let mut events = Events::open(&cluster, "", accept).await;
    let first = events.next().await.unwrap();
    assert_eq!(first["object"]["kind"], "Table");
    assert_eq!(first["object"]["rows"][0]["cells"][0], "a");
    assert!(
        !first["object"]["columnDefinitions"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let second = events.next().await.unwrap();
    assert!(
        second["object"]["columnDefinitions"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_watch_ends_when_its_time_is_over() {
    let cluster = start().await;
    let mut events = Events::open(&cluster, "timeoutSeconds=1", "*/*").await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_watch_ends_when_the_server_stops() {
    let cluster = start().await;
    let mut events = Events::open(&cluster, "", "*/*").await;
    cluster.server.shutdown().await;
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn versions_that_history_has_forgotten_are_gone() {
    let history = Options {
        history_events: 4,
        ..Options::default()
    };
    let cluster = start_on(history, |_| {}).await;
    let mut versions = Vec::new();
    for number in 0..10 {
        let map = json!({"metadata": {"name": format!("map-{number}")}});
        let (_, created) = cluster.post(MAPS, map).await;
        versions.push(
            created["metadata"]["resourceVersion"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let forgotten = format!("resourceVersion={}", versions[0]);
    let mut events = Events::open(&cluster, &forgotten, "*/*").await;
    let event = events.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["code"]),
        (&json!("ERROR"), &json!(410))
    );
    assert_eq!(events.next().await, None);
    let recent = format!("resourceVersion={}", versions[8]);
    let mut events = Events::open(&cluster, &recent, "*/*").await;
    let event = events.next().await.unwrap();
    assert_eq!(event["object"]["metadata"]["name"], "map-9");
}

#[tokio::test]
async fn versions_of_another_store_are_gone() {
    let cluster = start().await;
    let mut events = Events::open(&cluster, "resourceVersion=999999", "*/*").await;
    let event = events.next().await.unwrap();
    assert_eq!(
        (&event["type"], &event["object"]["reason"]),
        (&json!("ERROR"), &json!("Expired"))
    );
    let (status, _) = cluster.get(&format!("{MAPS}?resourceVersion=999999")).await;
    assert_eq!(status, 410, "a list has no events to tell it by");
}

#[tokio::test]
async fn a_list_comes_in_pages_that_a_watch_can_follow() {
    let cluster = start().await;
    for name in ["a", "b", "c", "d", "e"] {
        create(&cluster, name, "x").await;
    }
    let api: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "default");
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    cluster.delete(&format!("{MAPS}/a")).await;
    let token = first.metadata.continue_.clone().unwrap();
    let second = api
        .list(&ListParams::default().limit(2).continue_token(&token))
        .await
        .unwrap();
    assert_eq!(
        second.metadata.resource_version,
        first.metadata.resource_version
    );
    let token = second.metadata.continue_.unwrap();
    let last = api
        .list(&ListParams::default().limit(2).continue_token(&token))
        .await
        .unwrap();
    assert_eq!((last.items.len(), last.metadata.continue_), (1, None));
    let version = last.metadata.resource_version.unwrap();
    let mut watch = api
        .watch(&WatchParams::default(), &version)
        .await
        .unwrap()
        .boxed();
    assert!(
        matches!(watch.next().await, Some(Ok(WatchEvent::Deleted(map))) if map.metadata.name.as_deref() == Some("a"))
    );
}

#[tokio::test]
async fn bad_list_requests_are_explained() {
    let cluster = start().await;
    for (query, part) in [
        (
            "fieldSelector=spec.color%3Dred",
            "field label not supported: spec.color",
        ),
        ("labelSelector=a%20b", "unable to parse requirement"),
        ("continue=nonsense", "continue key is not valid"),
        ("limit=many", "invalid query parameters"),
    ] {
        let (status, answer) = cluster.get(&format!("{MAPS}?{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(message(&answer).contains(part), "{answer}");
    }
}

#[tokio::test]
async fn a_kube_rs_watcher_follows_the_server() {
    let cluster = start().await;
    let api: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "default");
    let named = |name: &str| ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    };
    api.create(&PostParams::default(), &named("before"))
        .await
        .unwrap();
    for config in [
        watcher::Config::default(),
        watcher::Config::default().streaming_lists(),
    ] {
        let mut events = watcher(api.clone(), config).boxed();
        let mut seen = Vec::new();
        loop {
            match events.try_next().await.unwrap().unwrap() {
                watcher::Event::Init => {}
                watcher::Event::InitApply(map) => seen.push(map.metadata.name.unwrap()),
                watcher::Event::InitDone => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(seen.contains(&"before".to_owned()), "{seen:?}");
        let late = format!("late-{}", seen.len());
        api.create(&PostParams::default(), &named(&late))
            .await
            .unwrap();
        match events.try_next().await.unwrap().unwrap() {
            watcher::Event::Apply(map) => assert_eq!(map.metadata.name, Some(late)),
            other => panic!("{other:?}"),
        }
    }
}
