//! A pod's host name and its full name in the cluster's domain.

use k8s_openapi::api::core::v1::Pod;

/// Longest host name that the DNS allows for one label, and that a pod gets.
const LONGEST: usize = 63;

/// The names of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName {
    /// What `hostname` prints.
    pub(crate) name: String,
    /// With the sub-domain and the cluster's domain, when the pod has a sub-domain.
    pub(crate) full: Option<String>,
}

impl HostName {
    /// `spec.hostname`, or the pod's name cut to a valid label; with `setHostnameAsFQDN` the full name.
    pub(crate) fn of(pod: &Pod, cluster_domain: &str) -> Self {
        let spec = pod.spec.as_ref();
        let given = |field: Option<&String>| field.filter(|value| !value.is_empty()).cloned();
        let name = given(spec.and_then(|spec| spec.hostname.as_ref()))
            .unwrap_or_else(|| label(pod.metadata.name.as_deref().unwrap_or_default()));
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let full = given(spec.and_then(|spec| spec.subdomain.as_ref()))
            .map(|subdomain| format!("{name}.{subdomain}.{namespace}.svc.{cluster_domain}"));
        let as_full = spec.and_then(|spec| spec.set_hostname_as_fqdn) == Some(true);
        let name = match &full {
            // The kernel's limit for host names is one more than a label's.
            Some(full) if as_full && full.len() <= LONGEST + 1 => full.clone(),
            _ => name,
        };
        Self { name, full }
    }
}

/// A pod's name may be longer than a label and may contain dots.
fn label(name: &str) -> String {
    let cut: String = name.chars().take(LONGEST).collect();
    cut.trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(name: &str, spec: serde_json::Value) -> (String, Option<String>) {
        let mut spec = spec;
        spec["containers"] = serde_json::json!([]);
        let pod =
            serde_json::json!({"metadata": {"name": name, "namespace": "shop"}, "spec": spec});
        let names = HostName::of(
            &serde_json::from_value(pod).expect("a pod"),
            "cluster.local",
        );
        (names.name, names.full)
    }

    #[test]
    fn names_of_pods() {
        use serde_json::json;
        assert_eq!(names("web-1", json!({})), ("web-1".to_owned(), None));
        let long = format!("{}-rest", "a".repeat(62));
        assert_eq!(names(&long, json!({})), ("a".repeat(62), None));
        let full = Some("db-0.db.shop.svc.cluster.local".to_owned());
        assert_eq!(
            names("db-0", json!({"subdomain": "db"})),
            ("db-0".to_owned(), full.clone())
        );
        assert_eq!(
            names(
                "x",
                json!({"hostname": "db-0", "subdomain": "db", "setHostnameAsFQDN": true})
            ),
            ("db-0.db.shop.svc.cluster.local".to_owned(), full)
        );
    }
}
