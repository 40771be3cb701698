//! Services: allocation and its conflicts, through the whole server.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::support::{Cluster, message, start, start_with};

const SERVICES: &str = "/api/v1/namespaces/default/services";

fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}})
}

async fn addresses(cluster: &Cluster) -> Vec<String> {
    let (_, list) = cluster.get("/apis/networking.k8s.io/v1/ipaddresses").await;
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_cluster_has_its_own_service() {
    let cluster = start().await;
    let (_, kubernetes) = cluster.get(&format!("{SERVICES}/kubernetes")).await;
    assert_eq!(
        kubernetes["spec"],
        json!({"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "type": "ClusterIP",
            "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "sessionAffinity": "None",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}]})
    );
    let (_, endpoints) = cluster
        .get("/api/v1/namespaces/default/endpoints/kubernetes")
        .await;
    assert_eq!(
        endpoints["subsets"][0]["addresses"],
        json!([{"ip": "192.0.2.1"}])
    );
    let (_, address) = cluster
        .get("/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1")
        .await;
    assert_eq!(
        address["spec"]["parentRef"],
        json!({"group": "", "resource": "services", "namespace": "default", "name": "kubernetes"})
    );
    let (_, range) = cluster
        .get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")
        .await;
    assert_eq!(range["status"]["conditions"][0]["status"], "True");
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        assert_eq!(
            cluster.get(&format!("/api/v1/namespaces/{name}")).await.0,
            200,
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_address_is_held_as_long_as_its_service() {
    let cluster = start().await;
    let (status, created) = cluster.post(SERVICES, service("a")).await;
    assert_eq!(status, 201, "{created}");
    let ip = created["spec"]["clusterIP"].as_str().unwrap().to_owned();
    assert!(addresses(&cluster).await.contains(&ip));

    let mut second = service("b");
    second["spec"]["clusterIP"] = json!(ip);
    let (status, refused) = cluster.post(SERVICES, second.clone()).await;
    assert_eq!(status, 422);
    assert_eq!(
        message(&refused),
        format!(
            "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"{ip}\"]: failed to allocate IP {ip}: provided IP is already allocated"
        )
    );

    cluster.delete(&format!("{SERVICES}/a")).await;
    assert!(!addresses(&cluster).await.contains(&ip));
    let (status, _) = cluster.post(SERVICES, second).await;
    assert_eq!(status, 201);
}

#[tokio::test]
async fn an_address_in_use_cannot_be_deleted() {
    let cluster = start().await;
    let one = "/apis/networking.k8s.io/v1/ipaddresses/10.96.0.1";
    let (status, refused) = cluster.delete(one).await;
    assert_eq!(status, 409);
    assert!(
        message(&refused).contains("default/kubernetes has this address"),
        "{refused}"
    );
    let spare = json!({"metadata": {"name": "10.96.0.77"}, "spec": {"parentRef":
        {"resource": "services", "namespace": "default", "name": "nobody"}}});
    let (status, created) = cluster
        .post("/apis/networking.k8s.io/v1/ipaddresses", spare)
        .await;
    assert_eq!(status, 201, "{created}");
    assert_eq!(
        cluster
            .delete("/apis/networking.k8s.io/v1/ipaddresses/10.96.0.77")
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_node_port_belongs_to_one_service() {
    let cluster = start().await;
    let with_port = |name: &str, port: u16| {
        let mut body = service(name);
        body["spec"]["type"] = json!("NodePort");
        body["spec"]["ports"][0]["nodePort"] = json!(port);
        body
    };
    assert_eq!(cluster.post(SERVICES, with_port("n1", 30777)).await.0, 201);
    let (status, refused) = cluster.post(SERVICES, with_port("n2", 30777)).await;
    assert_eq!(
        (status, message(&refused)),
        (
            422,
            "Service \"n2\" is invalid: spec.ports[0].nodePort: Invalid value: 30777: provided port is already allocated"
        )
    );
    let before = addresses(&cluster).await.len();
    let (status, plain) = cluster
        .merge(
            &format!("{SERVICES}/n1"),
            json!({"spec": {"type": "ClusterIP"}}),
        )
        .await;
    assert_eq!(status, 200);
    assert!(plain["spec"]["ports"][0]["nodePort"].is_null());
    assert_eq!(cluster.post(SERVICES, with_port("n2", 30777)).await.0, 201);
    assert_eq!(
        addresses(&cluster).await.len(),
        before + 1,
        "the refused Service left nothing"
    );
}

#[tokio::test]
async fn a_change_of_type_takes_and_gives_back() {
    let cluster = start().await;
    let (_, created) = cluster.post(SERVICES, service("a")).await;
    let ip = created["spec"]["clusterIP"].as_str().unwrap().to_owned();
    let one = format!("{SERVICES}/a");
    let (status, external) = cluster
        .merge(
            &one,
            json!({"spec": {"type": "ExternalName", "externalName": "example.com"}}),
        )
        .await;
    assert_eq!(status, 200, "{external}");
    assert!(external["spec"]["clusterIP"].is_null());
    assert!(!addresses(&cluster).await.contains(&ip));
    let (status, back) = cluster
        .merge(
            &one,
            json!({"spec": {"type": "ClusterIP", "externalName": null}}),
        )
        .await;
    assert_eq!(status, 200, "{back}");
    let ip = back["spec"]["clusterIP"].as_str().unwrap().to_owned();
    assert!(addresses(&cluster).await.contains(&ip));
}

#[tokio::test]
async fn what_the_cluster_gave_is_kept_when_left_out() {
    let cluster = start().await;
    let (_, created) = cluster.post(SERVICES, service("u1")).await;
    let (status, updated) = cluster.put(&format!("{SERVICES}/u1"), service("u1")).await;
    assert_eq!(
        (status, &updated["spec"]["clusterIP"]),
        (200, &created["spec"]["clusterIP"])
    );
}

#[tokio::test]
async fn a_small_range_is_given_out_to_the_last_address() {
    let cluster = start_with(|config| {
        config.service_cidrs = vec!["10.9.0.0/28".parse().unwrap()];
    })
    .await;
    // Fourteen usable addresses, one of which default/kubernetes has.
    let creates = (0..13).map(|number| cluster.post(SERVICES, service(&format!("s{number}"))));
    // One body per call, owned: the creates run against each other.
    let mut ips = HashSet::new();
    for (status, created) in futures::future::join_all(creates).await {
        assert_eq!(status, 201, "{created}");
        assert!(ips.insert(created["spec"]["clusterIP"].clone()), "{ips:?}");
    }
    let (status, full) = cluster.post(SERVICES, service("late")).await;
    assert_eq!(
        (status, message(&full)),
        (
            500,
            "Internal error occurred: failed to allocate a serviceIP for Service \"late\": range is full"
        )
    );
    cluster.delete(&format!("{SERVICES}/s3")).await;
    assert_eq!(cluster.post(SERVICES, service("late")).await.0, 201);
}

#[tokio::test]
async fn deleting_a_service_takes_its_endpoints_along() {
    let cluster = start().await;
    cluster.post(SERVICES, service("a")).await;
    let endpoints = "/api/v1/namespaces/default/endpoints";
    cluster
        .post(endpoints, json!({"metadata": {"name": "a"}}))
        .await;
    cluster.delete(&format!("{SERVICES}/a")).await;
    assert_eq!(cluster.get(&format!("{endpoints}/a")).await.0, 404);
}

#[tokio::test]
async fn a_dry_run_allocates_nothing() {
    let cluster = start().await;
    let (status, shown) = cluster
        .post(&format!("{SERVICES}?dryRun=All"), service("d"))
        .await;
    assert_eq!(
        (status, &shown["spec"]["clusterIP"]),
        (201, &json!("10.96.0.0"))
    );
    assert_eq!(addresses(&cluster).await, ["10.96.0.1"]);
}

#[tokio::test]
async fn warnings_come_in_headers() {
    let cluster = start().await;
    let mut body = service("w");
    body["spec"]["clusterIP"] = json!("None");
    body["spec"]["sessionAffinity"] = json!("ClientIP");
    let json_type = "application/json";
    let (status, headers, answer) = cluster
        .raw("POST", SERVICES, json_type, json_type, body)
        .await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(
        headers["warning"],
        r#"299 - "spec.SessionAffinity is ignored for headless services""#
    );
}
