//! What is worth a line in the log although it is valid.

use crate::feature_gates::is_known;
use crate::{DetectLocal, KubeProxyConfiguration, NodePortAddresses};

impl KubeProxyConfiguration {
    /// What is worth a line in the log at the start although it is valid.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings: Vec<String> = self
            .feature_gates
            .keys()
            .filter(|name| !is_known(name))
            .map(|name| format!("the feature gate {name:?} is not known; it changes nothing"))
            .collect();
        if self.detect_local() == DetectLocal::ClusterCidr(Vec::new()) {
            warnings.push(
                "detectLocalMode is ClusterCIDR but clusterCIDR is empty: traffic from outside the \
                 pods can't be told and is not masqueraded; set clusterCIDR (--cluster-cidr)"
                    .to_owned(),
            );
        }
        if self.node_port_addresses() == NodePortAddresses::All {
            warnings.push(
                "nodePortAddresses is unset; NodePort connections will be accepted on all local \
                 IPs. Consider using `--nodeport-addresses primary`"
                    .to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_probably_an_oversight_is_named() {
        let mut config = KubeProxyConfiguration::with_defaults();
        config.feature_gates.insert("NoSuchGate".to_owned(), true);
        config
            .feature_gates
            .insert("NFTablesProxyMode".to_owned(), true);
        let warnings = config.warnings();
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].contains("NoSuchGate"), "{warnings:?}");
        config.feature_gates.clear();
        config.cluster_cidr = "10.244.0.0/16".to_owned();
        config.node_port_addresses = Some(vec!["primary".to_owned()]);
        assert_eq!(config.warnings(), Vec::<String>::new());
    }
}
