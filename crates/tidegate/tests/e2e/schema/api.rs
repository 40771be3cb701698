//! An API server that has a cluster's objects. Nobody acts on them: there is no controller and no
//! node, so that they stay as they were written.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use http::Request;
use kube::Client;
use serde_json::{Value, json};
use tidegate_apiserver::{
    Config, ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, Server,
};
use tidegate_dns_schema::{Cluster, Objects};
use tidegate_store::RedbStore;

use crate::machine::Machine;

/// A running API server.
pub(super) struct Api {
    server: Server,
    /// The Services that it did not take.
    pub(super) refused: Vec<Refused>,
}

/// A Service that the API refuses.
#[derive(Debug)]
pub(super) struct Refused {
    /// Its domain name, as far as `.svc.`.
    pub(super) name: String,
    pub(super) reason: String,
}

impl Api {
    /// Starts a server in the namespace of this thread, and writes everything to it.
    pub(super) async fn start(machine: &Machine, cluster: Cluster) -> Self {
        let ranges = cluster.service_ranges().iter();
        let ranges: Vec<_> = ranges
            .map(|range| range.parse().expect("a range"))
            .collect();
        let advertise = match cluster {
            Cluster::DualStack | Cluster::Ipv4 => "192.0.2.10:6443",
            Cluster::Ipv6 => "[2001:db8::10]:6443",
        };
        let config = Config {
            service_cidrs: ranges,
            ..Config::new(machine.data_dir(), advertise.parse().expect("an address"))
        };
        let store = RedbStore::open(machine.data_dir()).expect("opens");
        let server = Server::start(config, Arc::new(store), Arc::new(NoPods)).await;
        let server = server.expect("starts");
        let refused = write(&server.client(), &cluster.objects()).await;
        Self { server, refused }
    }

    pub(super) async fn stop(self) {
        self.server.shutdown().await;
    }
}

/// Writes all objects, and gives the Services that the API didn't take.
async fn write(client: &Client, objects: &Objects) -> Vec<Refused> {
    for name in &objects.namespaces {
        let namespace = json!({"metadata": {"name": name}});
        match send(client, "POST", "/api/v1/namespaces", &namespace).await {
            Ok(()) => {}
            Err(kube::Error::Api(status)) if status.reason == "AlreadyExists" => {}
            Err(error) => panic!("{error}"),
        }
    }
    let mut refused = Vec::new();
    for service in &objects.services {
        let (namespace, name) = (part(service, "namespace"), part(service, "name"));
        let path = format!("/api/v1/namespaces/{namespace}/services");
        match send(client, "POST", &path, service).await {
            Ok(()) => {}
            Err(kube::Error::Api(status)) => refused.push(Refused {
                name: format!("{name}.{namespace}.svc."),
                reason: status.message.clone(),
            }),
            Err(error) => panic!("{error}"),
        }
    }
    for slice in &objects.slices {
        let namespace = part(slice, "namespace");
        let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
        let created = send(client, "POST", &path, slice).await;
        created.expect("the slice is created");
    }
    for (namespace, name, address) in &objects.pods {
        let path = format!("/api/v1/namespaces/{namespace}/pods");
        let containers = json!([{"name": "main", "image": "none"}]);
        let pod = json!({"metadata": {"name": name}, "spec": {"containers": containers}});
        let created = send(client, "POST", &path, &pod).await;
        created.expect("the pod is created");
        let status = json!({"status": {"podIP": address, "podIPs": [{"ip": address}]}});
        let given = send(client, "PATCH", &format!("{path}/{name}/status"), &status).await;
        given.expect("the pod has its address");
    }
    refused
}

fn part<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().expect("is text")
}

async fn send(client: &Client, verb: &str, path: &str, object: &Value) -> Result<(), kube::Error> {
    let format = match verb {
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    let request = Request::builder().method(verb).uri(path);
    let request = request.header("Content-Type", format);
    let request = request.body(object.to_string().into_bytes());
    let sent = client.request_text(request.expect("a request"));
    sent.await.map(drop)
}

/// A node that runs no pod.
struct NoPods;

impl PodAccess for NoPods {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        std::future::ready(Err(unknown(namespace, pod))).boxed()
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>> {
        std::future::ready(Err(unknown(namespace, pod))).boxed()
    }
}

fn unknown(namespace: &str, pod: &str) -> PodAccessError {
    PodAccessError::UnknownPod {
        namespace: namespace.to_owned(),
        pod: pod.to_owned(),
    }
}
