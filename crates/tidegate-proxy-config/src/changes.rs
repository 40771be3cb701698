//! What a new configuration means to a proxy that runs.

use std::fmt;

use serde_json::Value;

use crate::KubeProxyConfiguration;

/// A field that differs between two configurations.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The field, as in `iptables.masqueradeBit`.
    pub field: String,
    /// What it was; null if it was not set.
    pub from: Value,
    /// What it is.
    pub to: Value,
    /// When it takes effect.
    pub effect: Effect,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A running proxy takes it over.
    AtOnce,
    /// Only a new process knows it: sockets are bound and connections made at the start.
    AtRestart,
    /// Never: it means nothing on Linux.
    Never,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            from,
            to,
            effect,
        } = self;
        let effect = match effect {
            Effect::AtOnce => "takes effect now",
            Effect::AtRestart => "takes effect when the proxy is restarted",
            Effect::Never => "has no effect on Linux",
        };
        write!(f, "{field} changed from {from} to {to}: {effect}")
    }
}

/// The fields that differ, in the order of their names. Both configurations should have their
/// [defaults set](KubeProxyConfiguration::set_defaults), or a default that is written out counts
/// as a change.
pub fn changes(old: &KubeProxyConfiguration, new: &KubeProxyConfiguration) -> Vec<Change> {
    let mut found = Vec::new();
    compare("", &every_field(old), &every_field(new), &mut found);
    found
}

/// Also the section that is left out of files.
fn every_field(config: &KubeProxyConfiguration) -> Value {
    let mut tree = config.to_json();
    tree["tidegate"] = serde_json::to_value(&config.tidegate).expect("texts are JSON");
    tree
}

fn compare(field: &str, old: &Value, new: &Value, found: &mut Vec<Change>) {
    if old == new {
        return;
    }
    // A section that is left out has the same fields as an empty one.
    let empty = serde_json::Map::new();
    let (old_fields, new_fields) = match (old, new) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        (Value::Object(old), Value::Null) => (old, &empty),
        (Value::Null, Value::Object(new)) => (&empty, new),
        _ => {
            found.push(Change {
                field: field.to_owned(),
                from: old.clone(),
                to: new.clone(),
                effect: effect_of(field),
            });
            return;
        }
    };
    let mut names: Vec<&String> = old_fields.keys().chain(new_fields.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let path = match field {
            "" => name.clone(),
            section => format!("{section}.{name}"),
        };
        let of = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned();
        let (old, new) = (of(old_fields), of(new_fields));
        compare(
            &path,
            &old.unwrap_or_default(),
            &new.unwrap_or_default(),
            found,
        );
    }
}

/// The feature gates that a running proxy takes over; others mean nothing here, or the log.
const GATES_AT_ONCE: [&str; 1] = ["featureGates.AllowServiceExternalIPs"];

/// The fields and sections that a running proxy takes over.
const AT_ONCE: [&str; 10] = [
    "clusterCIDR",
    "conntrack",
    "detectLocal",
    "detectLocalMode",
    "iptables",
    "ipvs",
    "mode",
    "nftables",
    "nodePortAddresses",
    "tidegate",
];

/// The fields and sections that mean nothing on Linux, upstream neither.
const NEVER: [&str; 3] = ["portRange", "windowsRunAsService", "winkernel"];

fn effect_of(field: &str) -> Effect {
    let section = field.split('.').next().unwrap_or(field);
    if AT_ONCE.contains(&section) || GATES_AT_ONCE.contains(&field) {
        Effect::AtOnce
    } else if NEVER.contains(&section) {
        Effect::Never
    } else {
        Effect::AtRestart
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(change: impl FnOnce(&mut KubeProxyConfiguration)) -> Vec<String> {
        let old = KubeProxyConfiguration::with_defaults();
        let mut new = old.clone();
        change(&mut new);
        changes(&old, &new).iter().map(Change::to_string).collect()
    }

    #[test]
    fn equal_configurations_have_no_changes() {
        assert_eq!(lines(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_change_says_when_it_takes_effect() {
        let changes = lines(|config| {
            config.mode = "ipvs".to_owned();
            config.iptables.masquerade_all = true;
            config.node_port_addresses = Some(vec!["primary".to_owned()]);
            config.healthz_bind_address = "[::]:10256".to_owned();
            config.client_connection.kubeconfig = "/root/.kube/config".to_owned();
            config.feature_gates.insert("AllBeta".to_owned(), true);
            let external_ips = "AllowServiceExternalIPs".to_owned();
            config.feature_gates.insert(external_ips, false);
            config.winkernel.network_name = "l2bridge".to_owned();
            config.tidegate.iptables_variant = "nft".to_owned();
        });
        insta::assert_snapshot!(changes.join("\n"), @r#"
        clientConnection.kubeconfig changed from "" to "/root/.kube/config": takes effect when the proxy is restarted
        featureGates.AllBeta changed from null to true: takes effect when the proxy is restarted
        featureGates.AllowServiceExternalIPs changed from null to false: takes effect now
        healthzBindAddress changed from "0.0.0.0:10256" to "[::]:10256": takes effect when the proxy is restarted
        iptables.masqueradeAll changed from false to true: takes effect now
        mode changed from "" to "ipvs": takes effect now
        nodePortAddresses changed from null to ["primary"]: takes effect now
        tidegate.iptablesVariant changed from "" to "nft": takes effect now
        winkernel.networkName changed from "" to "l2bridge": has no effect on Linux
        "#);
    }
}
