//! The names of the cluster.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LabelSelector;
use crate::check::{Report, in_range};
use crate::duration;
use crate::zone_name::ZoneName;

/// The longest name of a namespace, in bytes (RFC 1123).
const LONGEST_NAMESPACE: usize = 63;

/// The names of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubernetes {
    /// The zones; one of them at least is for names, the others are for addresses. The zones of the
    /// server block where a file has none.
    pub zones: Vec<ZoneName>,
    /// The address of the API, as in `https://10.0.0.1:6443`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How to be known to the API at `endpoint`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientTls>,
    /// The file that says how to reach the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<Kubeconfig>,
    /// The namespaces whose names are known; all when empty.
    pub namespaces: Vec<String>,
    /// The labels of the namespaces whose names are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_labels: Option<LabelSelector>,
    /// The labels of the Services, endpoints and pods whose names are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<LabelSelector>,
    /// What names of pods are answered.
    pub pods: PodMode,
    /// Whether an endpoint without a host name has its pod's name instead of its address.
    pub endpoint_pod_names: bool,
    /// How long an answer may be kept, in seconds.
    pub ttl: u32,
    /// Whether endpoints have no names, so that they need not be watched.
    pub no_endpoints: bool,
    /// The zones in which a name that doesn't exist is looked up further on; `.` for all.
    pub fallthrough: Vec<ZoneName>,
    /// Whether the name of a Service without ready endpoints doesn't exist.
    pub ignore_empty_service: bool,
    /// Whether the endpoints of a headless Service can be asked for by their zone.
    pub zonal: bool,
    /// How long the start waits for the API before questions are answered with SERVFAIL.
    #[serde(with = "duration")]
    pub startup_timeout: Duration,
}

/// How to be known to the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientTls {
    /// The file of the client's certificate.
    pub certificate: String,
    /// The file of its key.
    pub key: String,
    /// The file of the authority that the API's certificate is from.
    pub authority: String,
}

/// The file that says how to reach the API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct Kubeconfig {
    /// The file.
    pub file: String,
    /// The context of the file; its current one where it isn't set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// What names of pods are answered, as in `10-0-0-1.default.pod.cluster.local.`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PodMode {
    /// None.
    #[default]
    Disabled,
    /// All whose namespace exists, with the address that the name spells.
    Insecure,
    /// Those of pods that exist.
    Verified,
}

impl Kubernetes {
    /// The longest time that an answer may be kept, in seconds.
    pub const LONGEST_TTL: u32 = 3600;

    pub(crate) fn check(&self, report: Report<'_>) {
        if !self.zones.is_empty() && self.zones.iter().all(ZoneName::is_reverse) {
            report(
                "zones",
                "all zones are reverse zones; add the one of the cluster, as in \
                 \"cluster.local\""
                    .to_owned(),
            );
        }
        in_range(report, "ttl", self.ttl.into(), 0..=Self::LONGEST_TTL.into());
        if !self.namespaces.is_empty() && self.namespace_labels.is_some() {
            let text = "can't be set together with namespaces; remove one of them";
            report("namespaceLabels", text.to_owned());
        }
        for namespace in &self.namespaces {
            if !is_label(namespace) {
                let text = format!("{namespace:?} can't be a namespace; correct its name");
                report("namespaces", text);
            }
        }
        if let Some(endpoint) = &self.endpoint {
            let rest = ["https://", "http://"].map(|scheme| endpoint.strip_prefix(scheme));
            if rest.into_iter().flatten().all(str::is_empty) {
                let text = format!("{endpoint:?} is no URL; write it as \"https://10.0.0.1:6443\"");
                report("endpoint", text);
            }
        }
        if self.tls.is_some() && self.endpoint.is_none() {
            let text = "is for the API at endpoint, which is missing; add it, or remove this";
            report("tls", text.to_owned());
        }
        if (self.kubeconfig.as_ref()).is_some_and(|kubeconfig| kubeconfig.file.is_empty()) {
            report("kubeconfig.file", "the file is missing; name it".to_owned());
        }
    }
}

/// Whether a text is a label of RFC 1123, as names of namespaces are.
fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() <= LONGEST_NAMESPACE
        && text.bytes().all(|b| plain(b) || b == b'-')
        && text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            zones: Vec::new(),
            endpoint: None,
            tls: None,
            kubeconfig: None,
            namespaces: Vec::new(),
            namespace_labels: None,
            labels: None,
            pods: PodMode::default(),
            endpoint_pod_names: false,
            ttl: 5,
            no_endpoints: false,
            fallthrough: Vec::new(),
            ignore_empty_service: false,
            zonal: false,
            startup_timeout: Duration::from_secs(5),
        }
    }
}
