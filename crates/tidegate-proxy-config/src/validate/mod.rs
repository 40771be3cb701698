//! What a configuration may say: upstream's rules for Linux, in upstream's order and words.
//!
//! Upstream first gives an empty `mode` and `detectLocalMode` their meaning and then validates;
//! so do we. Where ours has a wider choice, the sentence keeps its shape.

mod logging;
mod modes;
mod sections;

use crate::address::{parse_ip, parse_port, split_host_port};
use crate::field_error::{FieldError, FieldErrors};
use crate::{GoDuration, KubeProxyConfiguration, ProxyMode};

/// The one version that hidden metrics can be shown of: the minor version before that of the
/// upstream whose behaviour this is.
const PREVIOUS_VERSION: &str = "1.35";

const NOT_NEGATIVE: &str = "must be greater than or equal to 0";

impl KubeProxyConfiguration {
    /// Checks everything that can be checked without looking at the machine. To be called on a
    /// configuration whose [defaults are set](Self::set_defaults).
    ///
    /// Names of feature gates are not checked, as a newer upstream may know more of them:
    /// [`warnings`](Self::warnings) names those without effect.
    ///
    /// # Errors
    /// All that is wrong, in upstream's order.
    pub fn validate(&self) -> Result<(), FieldErrors> {
        let mut errors = Vec::new();
        modes::validate_iptables(self, &mut errors);
        modes::validate_ipvs(self, &mut errors);
        modes::validate_nftables(self, &mut errors);
        sections::validate_linux(self, &mut errors);
        modes::validate_mode(self, &mut errors);
        sections::validate_client(self, &mut errors);
        if self.config_sync_period <= GoDuration::ZERO {
            errors.push(FieldError::value(
                "KubeProxyConfiguration.ConfigSyncPeriod",
                &self.config_sync_period,
                "must be greater than 0",
            ));
        }
        modes::validate_periods(self, &mut errors);
        validate_addresses(self, &mut errors);
        sections::validate_node_port_addresses(self, &mut errors);
        validate_hidden_metrics(self, &mut errors);
        sections::validate_detect_local(self, &mut errors);
        logging::validate_logging(self, &mut errors);
        modes::validate_tidegate(self, &mut errors);
        FieldErrors::unless_empty(errors)
    }

    /// Whether this mode's section is looked at. That of a mode which is not chosen may say what
    /// it likes; `auto` may choose any.
    fn may_run(&self, mode: ProxyMode) -> bool {
        let chosen = self.proxy_mode();
        chosen == Some(mode) || chosen == Some(ProxyMode::Auto)
    }
}

fn validate_addresses(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    if parse_ip(&config.bind_address).is_none() {
        errors.push(FieldError::text(
            "KubeProxyConfiguration.BindAddress",
            &config.bind_address,
            "not a valid textual representation of an IP address",
        ));
    }
    let servers = [
        ("HealthzBindAddress", &config.healthz_bind_address),
        ("MetricsBindAddress", &config.metrics_bind_address),
    ];
    // Upstream refuses an empty metrics address although its own `--metrics-port=0` makes one.
    for (name, address) in servers.iter().filter(|(_, address)| !address.is_empty()) {
        validate_host_port(&format!("KubeProxyConfiguration.{name}"), address, errors);
    }
}

fn validate_host_port(field: &str, address: &str, errors: &mut Vec<FieldError>) {
    let Some((host, port)) = split_host_port(address) else {
        errors.push(FieldError::text(field, address, "must be IP:port"));
        return;
    };
    if parse_ip(host).is_none() {
        errors.push(FieldError::text(field, host, "must be a valid IP"));
    }
    if parse_port(port).is_none() {
        errors.push(FieldError::text(field, port, "must be a valid port"));
    }
}

fn validate_hidden_metrics(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    let version = config.show_hidden_metrics_for_version.as_str();
    if !["", PREVIOUS_VERSION].contains(&version) {
        errors.push(FieldError::text(
            "KubeProxyConfiguration.ShowHiddenMetricsForVersion",
            version,
            &format!(
                "--show-hidden-metrics-for-version must be omitted or have the value \
                 '{PREVIOUS_VERSION}'. Only the previous minor version is allowed"
            ),
        ));
    }
}
