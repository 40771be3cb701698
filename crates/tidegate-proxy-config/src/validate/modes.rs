//! The mode, and what it is told.

use super::NOT_NEGATIVE;
use crate::address::parse_cidr;
use crate::field_error::{FieldError, FieldProblem};
use crate::{GoDuration, KubeProxyConfiguration, ProxyMode};

/// The schedulers that our IPVS mode has.
const IPVS_SCHEDULERS: [&str; 9] = ["rr", "wrr", "lc", "wlc", "sh", "dh", "sed", "nq", "mh"];

/// The iptables programs that there are.
const IPTABLES_VARIANTS: [&str; 3] = ["auto", "legacy", "nft"];

/// Upstream looks at this section whatever the mode.
pub(super) fn validate_iptables(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    let field = "KubeProxyConfiguration.KubeProxyIPTablesConfiguration.MasqueradeBit";
    validate_bit(field, config.iptables.masquerade_bit, errors);
}

pub(super) fn validate_nftables(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    let field = "KubeProxyConfiguration.KubeProxyNFTablesConfiguration.MasqueradeBit";
    if config.may_run(ProxyMode::Nftables) {
        validate_bit(field, config.nftables.masquerade_bit, errors);
    }
}

fn validate_bit(field: &str, bit: Option<i32>, errors: &mut Vec<FieldError>) {
    if let Some(bit) = bit.filter(|bit| !(0..=31).contains(bit)) {
        errors.push(FieldError::value(
            field,
            &bit,
            "must be within the range [0, 31]",
        ));
    }
}

pub(super) fn validate_ipvs(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const PATH: &str = "KubeProxyConfiguration.KubeProxyIPVSConfiguration";
    if !config.may_run(ProxyMode::Ipvs) {
        return;
    }
    let ipvs = &config.ipvs;
    let timeouts = [
        ("TCPTimeout", ipvs.tcp_timeout),
        ("TCPFinTimeout", ipvs.tcp_fin_timeout),
        ("UDPTimeout", ipvs.udp_timeout),
    ];
    for (name, timeout) in timeouts {
        if timeout.is_negative() {
            errors.push(FieldError::value(
                &format!("{PATH}.{name}"),
                &timeout,
                NOT_NEGATIVE,
            ));
        }
    }
    if !ipvs.scheduler.is_empty() && !IPVS_SCHEDULERS.contains(&ipvs.scheduler.as_str()) {
        errors.push(FieldError::text(
            &format!("{PATH}.Scheduler"),
            &ipvs.scheduler,
            &format!(
                "must be in [{}], blank means the default algorithm method (currently rr)",
                IPVS_SCHEDULERS.join(" ")
            ),
        ));
    }
    for (index, cidr) in ipvs.exclude_cidrs.iter().flatten().enumerate() {
        if parse_cidr(cidr).is_none() {
            let field = format!("{PATH}.ExcludeCidrs[{index}]");
            errors.push(FieldError::text(&field, cidr, "must be a valid CIDR"));
        }
    }
}

pub(super) fn validate_mode(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    if config.proxy_mode().is_none() {
        errors.push(FieldError::text(
            "KubeProxyConfiguration.Mode.ProxyMode",
            &config.mode,
            &format!(
                "must be {} or blank (blank means the best-available proxy [currently iptables])",
                ProxyMode::ALL.map(ProxyMode::name).join(", ")
            ),
        ));
    }
}

/// The periods of the mode that is chosen.
pub(super) fn validate_periods(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    const SYNC: &str = "KubeProxyConfiguration.SyncPeriod";
    const MIN: &str = "KubeProxyConfiguration.MinSyncPeriod";
    // An unknown mode is named elsewhere; upstream goes on with the periods of iptables.
    let (sync, min) = config.periods(config.proxy_mode().unwrap_or(ProxyMode::Iptables));
    if sync <= GoDuration::ZERO {
        errors.push(FieldError::value(SYNC, &sync, "must be greater than 0"));
    }
    if min.is_negative() {
        errors.push(FieldError::value(MIN, &min, NOT_NEGATIVE));
    }
    if min > sync {
        let detail = format!("must be greater than or equal to {MIN}");
        errors.push(FieldError::value(SYNC, &min, &detail));
    }
}

pub(super) fn validate_tidegate(config: &KubeProxyConfiguration, errors: &mut Vec<FieldError>) {
    let tidegate = &config.tidegate;
    let variant = tidegate.iptables_variant.as_str();
    if !variant.is_empty() && !IPTABLES_VARIANTS.contains(&variant) {
        errors.push(FieldError {
            field: "KubeProxyConfiguration.tidegate.iptablesVariant".to_owned(),
            problem: FieldProblem::Unsupported(format!("{variant:?}")),
            detail: supported_values(&IPTABLES_VARIANTS),
        });
    }
    let timeout = tidegate.userspace.udp_idle_timeout;
    if timeout.is_negative() {
        errors.push(FieldError::value(
            "KubeProxyConfiguration.tidegate.userspace.udpIdleTimeout",
            &timeout,
            NOT_NEGATIVE,
        ));
    }
}

/// Upstream's list of what a field can be.
pub(super) fn supported_values(values: &[&str]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("{value:?}")).collect();
    format!("supported values: {}", quoted.join(", "))
}
