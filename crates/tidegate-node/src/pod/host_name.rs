//! A pod's host name and its full name in the cluster's domain.

use k8s_openapi::api::core::v1::Pod;
use thiserror::Error;

/// Longest host name that the DNS allows for one label, and that a pod gets.
const LONGEST: usize = 63;
/// Longest name that the kernel takes.
const LONGEST_OF_KERNEL: usize = 64;

/// The names of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName {
    /// What `hostname` prints.
    pub(crate) name: String,
    /// The first label of its full name, which `hostname` prints too unless the pod wants otherwise.
    pub(crate) short: String,
    /// With the sub-domain and the cluster's domain, when the pod has a sub-domain.
    pub(crate) full: Option<String>,
}

/// The pod's full name shall be its host name (`setHostnameAsFQDN`), and the kernel can't take it.
#[derive(Debug, PartialEq, Eq, Error)]
#[error(
    "failed to construct FQDN from pod hostname and cluster domain, FQDN {full} is too long \
     ({LONGEST_OF_KERNEL} characters is the max, {} characters requested); shorten spec.hostname or \
     spec.subdomain, or leave setHostnameAsFQDN out", full.len()
)]
pub(crate) struct FullNameTooLong {
    full: String,
}

impl HostName {
    /// `spec.hostname`, or the pod's name cut to a valid label; with `setHostnameAsFQDN` the full name.
    pub(crate) fn of(pod: &Pod, cluster_domain: &str) -> Result<Self, FullNameTooLong> {
        let spec = pod.spec.as_ref();
        let given = |field: Option<&String>| field.filter(|value| !value.is_empty()).cloned();
        let short = given(spec.and_then(|spec| spec.hostname.as_ref()))
            .unwrap_or_else(|| label(pod.metadata.name.as_deref().unwrap_or_default()));
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let full = given(spec.and_then(|spec| spec.subdomain.as_ref()))
            .map(|subdomain| format!("{short}.{subdomain}.{namespace}.svc.{cluster_domain}"));
        let as_full = spec.and_then(|spec| spec.set_hostname_as_fqdn) == Some(true);
        let name = match full.clone().filter(|_| as_full) {
            Some(full) if full.len() > LONGEST_OF_KERNEL => return Err(FullNameTooLong { full }),
            Some(full) => full,
            None => short.clone(),
        };
        Ok(Self { name, short, full })
    }
}

/// A pod's name may be longer than a label and may contain dots.
fn label(name: &str) -> String {
    let cut: String = name.chars().take(LONGEST).collect();
    cut.trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn host_name(name: &str, spec: Value) -> Result<HostName, FullNameTooLong> {
        let mut spec = spec;
        spec["containers"] = json!([]);
        let pod = json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec});
        let pod = serde_json::from_value(pod).expect("a pod");
        HostName::of(&pod, "cluster.local")
    }

    #[test]
    fn names_of_pods() {
        let long = format!("{}-rest", "a".repeat(62));
        let full = "db-0.db.shop.svc.cluster.local";
        for (name, spec, expected) in [
            ("web-1", json!({}), ["web-1", "web-1", ""]),
            ("web.1", json!({}), ["web.1", "web.1", ""]),
            (
                long.as_str(),
                json!({}),
                [&"a".repeat(62), &"a".repeat(62), ""],
            ),
            (
                "web-1",
                json!({"setHostnameAsFQDN": true}),
                ["web-1", "web-1", ""],
            ),
            ("db-0", json!({"subdomain": "db"}), ["db-0", "db-0", full]),
            ("x", json!({"hostname": "db-0"}), ["db-0", "db-0", ""]),
            (
                "x",
                json!({"hostname": "db-0", "subdomain": "db", "setHostnameAsFQDN": true}),
                [full, "db-0", full],
            ),
        ] {
            let names = host_name(name, spec.clone()).expect("names");
            let full = names.full.unwrap_or_default();
            assert_eq!([names.name, names.short, full], expected, "{spec}");
        }
    }

    #[test]
    fn a_full_name_that_the_kernel_does_not_take_is_refused() {
        let pod = |length: usize| {
            let hostname = "a".repeat(length);
            host_name(
                "x",
                json!({"hostname": hostname, "subdomain": "db", "setHostnameAsFQDN": true}),
            )
        };
        // What follows the host name has 26 characters.
        assert!(pod(38).is_ok());
        let refused = pod(39).expect_err("too long").to_string();
        assert!(
            refused.contains("(64 characters is the max, 65 characters requested)"),
            "{refused}"
        );
    }
}
