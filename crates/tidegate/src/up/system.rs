//! The objects that make the DNS server a Service like any other.

use std::net::IpAddr;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tidegate_model::IpFamily;

use super::settings::Settings;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "kube-dns";

/// Makes `kube-system/kube-dns`, at the cluster DNS addresses, lead to the DNS server.
///
/// The Service has no selector, so that its slices are ours alone.
///
/// # Errors
/// The API refuses, for instance because another Service has the address.
pub(crate) async fn publish_dns(client: &Client, settings: &Settings) -> Result<(), kube::Error> {
    let families = |addresses: &[IpAddr]| {
        addresses
            .iter()
            .map(|ip| IpFamily::of(*ip).to_string())
            .collect::<Vec<_>>()
    };
    let ports = json!([{"name": "dns", "protocol": "UDP", "port": 53}, {"name": "dns-tcp", "protocol": "TCP", "port": 53}]);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": NAME, "labels": {"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"}},
        "spec": {
            "clusterIP": settings.cluster_dns[0],
            "clusterIPs": settings.cluster_dns,
            "ipFamilies": families(&settings.cluster_dns),
            "ipFamilyPolicy": if settings.cluster_dns.len() > 1 { "RequireDualStack" } else { "SingleStack" },
            "ports": ports,
        },
    });
    put::<Service>(client, NAME, &service).await?;
    for address in &settings.node_addresses {
        let family = IpFamily::of(*address).to_string();
        let name = format!("{NAME}-{}", family.to_lowercase());
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": name, "labels": {
                "kubernetes.io/service-name": NAME, "endpointslice.kubernetes.io/managed-by": "tidegate.dev"}},
            "addressType": family, "ports": ports,
            "endpoints": [{"addresses": [address], "nodeName": settings.node_name,
                "conditions": {"ready": true, "serving": true, "terminating": false}}],
        });
        put::<EndpointSlice>(client, &name, &slice).await?;
    }
    Ok(())
}

/// Creates an object, or merges into the one that an earlier run made.
async fn put<K>(client: &Client, name: &str, object: &Value) -> Result<(), kube::Error>
where
    K: kube::Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    K: Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    let api: Api<K> = Api::namespaced(client.clone(), NAMESPACE);
    let typed = serde_json::from_value(object.clone()).map_err(kube::Error::SerdeError)?;
    match api.create(&PostParams::default(), &typed).await {
        Err(kube::Error::Api(status)) if status.code == 409 => api
            .patch(name, &PatchParams::default(), &Patch::Merge(object))
            .await
            .map(drop),
        created => created.map(drop),
    }
}
