//! The objects that every cluster has, made when they are missing: the first namespaces, the
//! ServiceCIDR, and the Service `default/kubernetes` with this server as its endpoint.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Config, api::Api, error::ApiError, kinds::kinds, object, request::ObjectPath, verbs};

const NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// Why the first objects could not be made.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The store refused it.
    #[error("cannot prepare {what}: {message}")]
    Object {
        /// Which object.
        what: String,
        /// What the server answered itself.
        message: String,
    },
    /// The data belongs to a cluster with other service addresses.
    #[error(
        "the data directory was made with other service addresses: the Service default/kubernetes has {found}, but the ranges given begin with {expected}; use the former `--service-cidr`, or a new `--data-dir`"
    )]
    OtherServiceRange {
        /// The address that is stored.
        found: String,
        /// The first address of the configured range.
        expected: IpAddr,
    },
}

/// Makes what is missing.
pub(crate) async fn bootstrap(api: &Api, config: &Config) -> Result<(), BootstrapError> {
    for name in NAMESPACES {
        let namespace = json!({"metadata": {"name": name}});
        ensure(api, "", "namespaces", None, namespace).await?;
    }
    ensure(
        api,
        "networking.k8s.io",
        "servicecidrs",
        None,
        service_cidr(config),
    )
    .await?;
    let first = config.service_cidrs.first().copied().map(first_address);
    if let Some(expected) = first {
        let service = kubernetes_service(expected, config.advertise);
        let stored = ensure(api, "", "services", Some("default"), service).await?;
        let found = object::text(&stored, &["spec", "clusterIP"]);
        if found != expected.to_string() {
            return Err(BootstrapError::OtherServiceRange {
                found: found.to_owned(),
                expected,
            });
        }
    }
    // These follow the configuration: the address may be another at the next start.
    let slice = endpoint_slice(config.advertise);
    put(api, "discovery.k8s.io", "endpointslices", slice).await?;
    put(api, "", "endpoints", endpoints(config.advertise)).await
}

/// The first address that a Service can have; by custom that of `default/kubernetes`.
pub(crate) fn first_address(range: IpNet) -> IpAddr {
    match range.network() {
        IpAddr::V4(network) => IpAddr::V4((u32::from(network).saturating_add(1)).into()),
        IpAddr::V6(network) => IpAddr::V6((u128::from(network).saturating_add(1)).into()),
    }
}

fn path(
    group: &str,
    plural: &str,
    namespace: Option<&str>,
    name: &str,
) -> Result<ObjectPath, ApiError> {
    let kind = kinds()
        .find(group, "v1", plural)
        .ok_or(ApiError::NoSuchResource)?;
    Ok(ObjectPath {
        kind,
        namespace: namespace.map(str::to_owned),
        name: Some(name.to_owned()),
        subresource: None,
    })
}

/// The object as it is stored, made if it was missing.
async fn ensure(
    api: &Api,
    group: &str,
    plural: &str,
    namespace: Option<&str>,
    object: Value,
) -> Result<Value, BootstrapError> {
    let name = object::name(&object).to_owned();
    let work = async {
        let path = path(group, plural, namespace, &name)?;
        let read = api.objects.get(path.kind, path.namespace_or_empty(), &name);
        if let Some(stored) = read.await? {
            return Ok(stored.object);
        }
        let decoded = verbs::decode(path.kind, object)?;
        Ok(verbs::create(api, &path, decoded.object, false)
            .await?
            .raw
            .parse()?)
    };
    work.await
        .map_err(|error: ApiError| failed(plural, &name, &error))
}

/// Makes the object, or puts it in place of the stored one.
async fn put(api: &Api, group: &str, plural: &str, object: Value) -> Result<(), BootstrapError> {
    let name = object::name(&object).to_owned();
    let work = async {
        let path = path(group, plural, Some("default"), &name)?;
        let wanted = verbs::decode(path.kind, object)?.object;
        match verbs::replace(api, &path, &name, &wanted).await {
            Err(ApiError::NotFound { .. }) => verbs::create(api, &path, wanted, false).await,
            other => other,
        }
    };
    work.await
        .map(drop)
        .map_err(|error| failed(plural, &name, &error))
}

fn failed(plural: &str, name: &str, error: &ApiError) -> BootstrapError {
    BootstrapError::Object {
        what: format!("{plural} {name:?}"),
        message: error.to_string(),
    }
}

fn service_cidr(config: &Config) -> Value {
    json!({
        "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": config.service_cidrs.iter().map(|range| range.trunc().to_string()).collect::<Vec<_>>()},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "",
            "message": "Kubernetes default Service CIDR is ready",
            "lastTransitionTime": verbs::timestamp(Timestamp::now()),
        }]},
    })
}

fn kubernetes_service(address: IpAddr, advertise: SocketAddr) -> Value {
    json!({
        "metadata": {
            "name": "kubernetes",
            "labels": {"component": "apiserver", "provider": "kubernetes"},
        },
        "spec": {
            "clusterIP": address.to_string(),
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": advertise.port()}],
        },
    })
}

fn endpoint_slice(advertise: SocketAddr) -> Value {
    let family = if advertise.is_ipv4() { "IPv4" } else { "IPv6" };
    json!({
        "metadata": {
            "name": "kubernetes",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": family,
        "endpoints": [{"addresses": [advertise.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": advertise.port(), "protocol": "TCP"}],
    })
}

fn endpoints(advertise: SocketAddr) -> Value {
    json!({
        "metadata": {
            "name": "kubernetes",
            "labels": {"endpointslice.kubernetes.io/skip-mirror": "true"},
        },
        "subsets": [{
            "addresses": [{"ip": advertise.ip().to_string()}],
            "ports": [{"name": "https", "port": advertise.port(), "protocol": "TCP"}],
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_address_follows_the_networks_own() {
        for (range, first) in [
            ("10.96.0.0/16", "10.96.0.1"),
            ("fd00:10:96::/112", "fd00:10:96::1"),
        ] {
            let range: IpNet = range.parse().expect("a range");
            assert_eq!(first_address(range).to_string(), first);
        }
    }
}
