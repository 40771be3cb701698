//! Upstream's feature gates: which of them mean something here.

use crate::KubeProxyConfiguration;

/// The gates that upstream's kube-proxy asks for, now or in an earlier release. What they turn on
/// is always on here, so all but [`AllowServiceExternalIPs`](KubeProxyConfiguration::allow_service_external_ips)
/// and `LoggingAlphaOptions` are accepted and change nothing.
const KNOWN: [&str; 30] = [
    "AllAlpha",
    "AllBeta",
    "AllowServiceExternalIPs",
    "ComponentFlagz",
    "ComponentSLIs",
    "ComponentStatusz",
    "ContextualLogging",
    "EndpointSlice",
    "EndpointSliceProxying",
    "EndpointSliceTerminatingCondition",
    "ExternalPolicyForExternalIP",
    "IPv6DualStack",
    "KubeProxyDrainingTerminatingNodes",
    "LoadBalancerIPMode",
    "LoggingAlphaOptions",
    "LoggingBetaOptions",
    "MinimizeIPTablesRestore",
    "MultiCIDRServiceAllocator",
    "NFTablesProxyMode",
    "NativeHistograms",
    "PreferSameTrafficDistribution",
    "ProxyTerminatingEndpoints",
    "SCTPSupport",
    "ServiceInternalTrafficPolicy",
    "ServiceTopology",
    "ServiceTrafficDistribution",
    "SupportIPVSProxyMode",
    "TopologyAwareHints",
    "WinDSR",
    "WinOverlay",
];

/// Whether upstream's kube-proxy knows the gate.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

impl KubeProxyConfiguration {
    /// What was asked of a gate; none if nothing was.
    pub fn feature_gate(&self, name: &str) -> Option<bool> {
        self.feature_gates.get(name).copied()
    }

    /// Whether Services may claim addresses by `externalIPs` (gate `AllowServiceExternalIPs`, on
    /// by default).
    pub fn allow_service_external_ips(&self) -> bool {
        self.feature_gate("AllowServiceExternalIPs").unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_as_its_search_needs() {
        assert!(KNOWN.is_sorted());
        assert!(KNOWN.into_iter().all(is_known));
        assert!(!is_known("NoSuchGate"));
    }
}
