//! What a controller and a user write to the API, as raw requests.

use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};

pub(super) async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).expect("it is there");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
    Client::try_from(config.expect("it is complete")).expect("it can be used")
}

/// Creates a Service and gives its address.
pub(super) async fn put_service(client: &Client, name: &str) -> Result<String, kube::Error> {
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"ports": [{"port": 80}]}});
    let request = Request::post("/api/v1/namespaces/default/services");
    let request = request.header("Content-Type", "application/json");
    let request = request
        .body(service.to_string().into_bytes())
        .expect("a request");
    let created: Value = client.request(request).await?;
    Ok(created["spec"]["clusterIP"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

pub(super) async fn put(
    client: &Client,
    verb: &str,
    name: &str,
    slice: &Value,
) -> Result<(), kube::Error> {
    let all = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    let path = match verb {
        "POST" => all.to_owned(),
        _ => format!("{all}/{name}"),
    };
    let request = Request::builder().method(verb).uri(path);
    let request = request.header("Content-Type", "application/json");
    let request = request
        .body(slice.to_string().into_bytes())
        .expect("a request");
    client.request_text(request).await.map(drop)
}

pub(super) fn slice(service: &str, addresses: &[String], port: u16) -> Value {
    let endpoint = |address| json!({"addresses": [address], "conditions": {"ready": true}});
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": port, "protocol": "TCP"}],
        "endpoints": addresses.iter().map(endpoint).collect::<Vec<_>>(),
    })
}
