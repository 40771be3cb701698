//! Create, read, update, patch, delete.

use serde_json::{Value, json};

use crate::support::{message, start};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}})
}

#[tokio::test]
async fn an_object_lives_from_create_to_delete() {
    let cluster = start().await;
    let (status, created) = cluster.post(MAPS, map("m")).await;
    assert_eq!(status, 201, "{created}");
    let metadata = &created["metadata"];
    assert_eq!(metadata["namespace"], "default");
    assert!(metadata["uid"].is_string() && metadata["creationTimestamp"].is_string());
    let (status, again) = cluster.post(MAPS, map("m")).await;
    assert_eq!(
        (status, message(&again)),
        (409, "configmaps \"m\" already exists")
    );
    assert_eq!(again["reason"], "AlreadyExists");

    let one = format!("{MAPS}/m");
    let (status, read) = cluster.get(&one).await;
    assert_eq!((status, &read), (200, &created));

    let mut changed = read.clone();
    changed["data"]["a"] = json!("2");
    let (status, updated) = cluster.put(&one, changed.clone()).await;
    assert_eq!((status, &updated["data"]["a"]), (200, &json!("2")));
    assert_ne!(
        updated["metadata"]["resourceVersion"],
        metadata["resourceVersion"]
    );

    let (status, conflict) = cluster.put(&one, changed).await;
    assert_eq!(
        (status, message(&conflict)),
        (
            409,
            "Operation cannot be fulfilled on configmaps \"m\": the object has been modified; please apply your changes to the latest version and try again"
        )
    );

    let (status, patched) = cluster
        .merge(&one, json!({"data": {"a": null, "b": "3"}}))
        .await;
    assert_eq!((status, &patched["data"]), (200, &json!({"b": "3"})));
    let (_, same) = cluster.merge(&one, json!({"data": {"b": "3"}})).await;
    assert_eq!(
        same, patched,
        "a patch that changes nothing makes no new version"
    );

    let (status, gone) = cluster.delete(&one).await;
    assert_eq!((status, &gone["status"]), (200, &json!("Success")));
    let (status, missing) = cluster.get(&one).await;
    assert_eq!(
        (status, message(&missing)),
        (404, "configmaps \"m\" not found")
    );
}

#[tokio::test]
async fn names_can_be_generated() {
    let cluster = start().await;
    let body = json!({"metadata": {"generateName": "m-"}});
    let (_, one) = cluster.post(MAPS, body.clone()).await;
    let (status, two) = cluster.post(MAPS, body).await;
    assert_eq!(status, 201, "{two}");
    let name = one["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("m-") && name.len() == 7, "{name}");
    assert_ne!(one["metadata"]["name"], two["metadata"]["name"]);
}

#[tokio::test]
async fn a_namespace_must_exist_and_must_not_be_going() {
    let cluster = start().await;
    let (status, answer) = cluster
        .post("/api/v1/namespaces/nope/configmaps", map("m"))
        .await;
    assert_eq!(
        (status, message(&answer)),
        (404, "namespaces \"nope\" not found")
    );

    cluster
        .post("/api/v1/namespaces", json!({"metadata": {"name": "n"}}))
        .await;
    let (status, _) = cluster
        .post("/api/v1/namespaces/n/configmaps", map("m"))
        .await;
    assert_eq!(status, 201);
    let (status, going) = cluster.delete("/api/v1/namespaces/n").await;
    assert_eq!(
        (status, &going["status"]["phase"]),
        (200, &json!("Terminating"))
    );
    let (status, answer) = cluster
        .post("/api/v1/namespaces/n/configmaps", map("o"))
        .await;
    assert_eq!(status, 403);
    assert_eq!(
        message(&answer),
        "configmaps \"o\" is forbidden: unable to create new content in namespace n because it is being terminated"
    );
    assert_eq!(
        answer["details"]["causes"][0]["reason"],
        "NamespaceTerminating"
    );

    let (_, mut namespace) = cluster.get("/api/v1/namespaces/n").await;
    namespace["spec"]["finalizers"] = json!([]);
    let (status, _) = cluster
        .put("/api/v1/namespaces/n/finalize", namespace)
        .await;
    assert_eq!(status, 200);
    assert_eq!(cluster.get("/api/v1/namespaces/n").await.0, 404);
}

#[tokio::test]
async fn finalizers_hold_an_object_until_they_are_removed() {
    let cluster = start().await;
    let mut held = map("m");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    cluster.post(MAPS, held).await;
    let one = format!("{MAPS}/m");
    let (status, pending) = cluster.delete(&one).await;
    assert_eq!(status, 200);
    assert!(
        pending["metadata"]["deletionTimestamp"].is_string(),
        "{pending}"
    );
    assert_eq!(cluster.get(&one).await.0, 200);
    let (status, _) = cluster
        .merge(&one, json!({"metadata": {"finalizers": null}}))
        .await;
    assert_eq!(status, 200);
    assert_eq!(cluster.get(&one).await.0, 404);
}

#[tokio::test]
async fn a_status_is_written_on_its_own_path_only() {
    let cluster = start().await;
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({"metadata": {"name": "p"}, "status": {"podIP": "10.0.0.9"},
        "spec": {"containers": [{"name": "c", "image": "pause"}]}});
    let (status, created) = cluster.post(pods, pod).await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(created["status"]["phase"], "Pending");
    assert!(created["status"]["podIP"].is_null(), "{created}");

    let one = format!("{pods}/p");
    let ready = json!({"status": {"podIP": "10.244.0.5", "phase": "Running"}});
    let (_, ignored) = cluster.merge(&one, ready.clone()).await;
    assert_eq!(ignored["status"]["phase"], "Pending");
    let (status, written) = cluster.merge(&format!("{one}/status"), ready).await;
    assert_eq!(
        (status, &written["status"]["podIP"]),
        (200, &json!("10.244.0.5"))
    );
    assert_eq!(
        written["metadata"]["generation"], 1,
        "a status is not a change of intent"
    );
}

#[tokio::test]
async fn a_pod_is_bound_and_ends_gracefully() {
    let cluster = start().await;
    let pods = "/api/v1/namespaces/default/pods";
    let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "pause"}]}});
    cluster.post(pods, pod).await;
    let one = format!("{pods}/p");
    let binding = json!({"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}});
    let (status, answer) = cluster
        .post(&format!("{one}/binding"), binding.clone())
        .await;
    assert_eq!(status, 201, "{answer}");
    let (status, _) = cluster.post(&format!("{one}/binding"), binding).await;
    assert_eq!(status, 409, "a pod is bound once");
    let (_, bound) = cluster.get(&one).await;
    assert_eq!(bound["spec"]["nodeName"], "n1");
    assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");

    let (_, going) = cluster.delete(&one).await;
    assert_eq!(going["metadata"]["deletionGracePeriodSeconds"], 30);
    let (status, _) = cluster.delete(&format!("{one}?gracePeriodSeconds=0")).await;
    assert_eq!((status, cluster.get(&one).await.0), (200, 404));
}

#[tokio::test]
async fn every_patch_format_is_understood() {
    let cluster = start().await;
    let path = "/apis/apps/v1/namespaces/default/deployments";
    let deployment = json!({"metadata": {"name": "web"}, "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [
            {"name": "a", "image": "one"}, {"name": "b", "image": "two"}]}}}});
    let (status, created) = cluster.post(path, deployment).await;
    assert_eq!(status, 201, "{created}");
    let one = format!("{path}/web");

    let json_patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 4}]);
    let (status, patched) = cluster
        .call("PATCH", &one, "application/json-patch+json", json_patch)
        .await;
    assert_eq!((status, &patched["spec"]["replicas"]), (200, &json!(4)));
    assert_eq!(patched["metadata"]["generation"], 2);

    let strategic =
        json!({"spec": {"template": {"spec": {"containers": [{"name": "b", "image": "new"}]}}}});
    let kind = "application/strategic-merge-patch+json";
    let (status, patched) = cluster.call("PATCH", &one, kind, strategic).await;
    let images: Vec<_> = patched["spec"]["template"]["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| container["image"].clone())
        .collect();
    assert_eq!((status, images), (200, vec![json!("one"), json!("new")]));

    let failing = json!([{"op": "test", "path": "/spec/replicas", "value": 9}]);
    let (status, _) = cluster
        .call("PATCH", &one, "application/json-patch+json", failing)
        .await;
    assert_eq!(status, 422);
    let (status, answer) = cluster
        .call("PATCH", &one, "application/apply-patch+yaml", json!({}))
        .await;
    assert_eq!(
        (status, &answer["reason"]),
        (415, &json!("UnsupportedMediaType"))
    );
}

#[tokio::test]
async fn a_workload_can_be_scaled() {
    let cluster = start().await;
    let path = "/apis/apps/v1/namespaces/default/replicasets";
    let set = json!({"metadata": {"name": "rs"}, "spec": {"replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": "x"}]}}}});
    cluster.post(path, set).await;
    let scale = format!("{path}/rs/scale");
    let (_, mut shown) = cluster.get(&scale).await;
    assert_eq!(
        (&shown["kind"], &shown["status"]["selector"]),
        (&json!("Scale"), &json!("app=web"))
    );
    shown["spec"]["replicas"] = json!(5);
    let (status, scaled) = cluster.put(&scale, shown.clone()).await;
    assert_eq!((status, &scaled["spec"]["replicas"]), (200, &json!(5)));
    let (status, _) = cluster.put(&scale, shown).await;
    assert_eq!(
        status, 409,
        "a scale that was read before the last change is stale"
    );
    let (status, _) = cluster
        .merge(&scale, json!({"spec": {"replicas": -1}}))
        .await;
    assert_eq!(status, 422);
}

#[tokio::test]
async fn a_dry_run_answers_and_changes_nothing() {
    let cluster = start().await;
    let (status, answer) = cluster.post(&format!("{MAPS}?dryRun=All"), map("m")).await;
    assert_eq!(status, 201);
    assert!(answer["metadata"]["resourceVersion"].is_null());
    assert_eq!(cluster.get(&format!("{MAPS}/m")).await.0, 404);
    let (_, before) = cluster.post(MAPS, map("m")).await;
    let (status, _) = cluster.post(&format!("{MAPS}?dryRun=All"), map("m")).await;
    assert_eq!(status, 409, "a dry run fails where the real one would");
    cluster
        .merge(&format!("{MAPS}/m?dryRun=All"), json!({"data": {"a": "9"}}))
        .await;
    cluster.delete(&format!("{MAPS}/m?dryRun=All")).await;
    assert_eq!(cluster.get(&format!("{MAPS}/m")).await.1, before);
}

#[tokio::test]
async fn unknown_fields_warn_or_fail_as_asked() {
    let cluster = start().await;
    let mut body = map("m");
    body["foo"] = json!({"deep": true});
    let json_type = "application/json";
    let (status, headers, _) = cluster
        .raw("POST", MAPS, json_type, json_type, body.clone())
        .await;
    assert_eq!(status, 201);
    assert_eq!(headers["warning"], r#"299 - "unknown field \"foo\"""#);
    let strict = format!("{MAPS}?fieldValidation=Strict");
    let (status, answer) = cluster.post(&strict, body).await;
    assert_eq!(status, 400);
    assert!(
        message(&answer).contains(r#"strict decoding error: unknown field "foo""#),
        "{answer}"
    );
}

#[tokio::test]
async fn deleting_needs_the_right_object_if_asked() {
    let cluster = start().await;
    let (_, created) = cluster.post(MAPS, map("m")).await;
    let one = format!("{MAPS}/m");
    let wrong = json!({"preconditions": {"uid": "other"}});
    let (status, answer) = cluster
        .call("DELETE", &one, "application/json", wrong)
        .await;
    assert_eq!((status, &answer["reason"]), (409, &json!("Conflict")));
    let right = json!({"preconditions": {"uid": created["metadata"]["uid"]}});
    assert_eq!(
        cluster
            .call("DELETE", &one, "application/json", right)
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_collection_is_deleted_by_selector() {
    let cluster = start().await;
    for (name, app) in [("a", "web"), ("b", "web"), ("c", "api")] {
        let mut body = map(name);
        body["metadata"]["labels"] = json!({"app": app});
        cluster.post(MAPS, body).await;
    }
    let (status, _) = cluster
        .delete(&format!("{MAPS}?labelSelector=app%3Dweb"))
        .await;
    assert_eq!(status, 200);
    let (_, left) = cluster.get(MAPS).await;
    let names: Vec<_> = left["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["metadata"]["name"])
        .collect();
    assert_eq!(names, ["c"]);
}

#[tokio::test]
async fn an_event_is_the_same_in_both_groups() {
    let cluster = start().await;
    let event = json!({"metadata": {"name": "e", "namespace": "default"}, "note": "Started it",
        "eventTime": "2026-01-01T00:00:00.000000Z", "reason": "Started", "action": "Starting",
        "type": "Normal", "reportingController": "test", "reportingInstance": "test-1",
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"}});
    let (status, created) = cluster
        .post("/apis/events.k8s.io/v1/namespaces/default/events", event)
        .await;
    assert_eq!(
        (status, &created["note"]),
        (201, &json!("Started it")),
        "{created}"
    );
    let (_, core) = cluster
        .get("/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp")
        .await;
    assert_eq!(core["items"][0]["message"], "Started it");
    let (_, grouped) = cluster
        .get("/apis/events.k8s.io/v1/namespaces/default/events")
        .await;
    assert_eq!(grouped["items"][0]["regarding"]["name"], "p");
}

#[tokio::test]
async fn many_writers_of_one_object_lose_nothing() {
    let cluster = start().await;
    cluster.post(MAPS, map("m")).await;
    let one = format!("{MAPS}/m");
    let writes = (0..20).map(|writer| {
        let body = json!({"data": {format!("w{writer}"): "x"}});
        cluster.merge(&one, body)
    });
    for (status, _) in futures::future::join_all(writes).await {
        assert_eq!(status, 200);
    }
    let (_, all) = cluster.get(&one).await;
    assert_eq!(all["data"].as_object().unwrap().len(), 21);
}
