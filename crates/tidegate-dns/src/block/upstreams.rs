//! How other servers are asked, and what is kept of their answers, from the configuration.

use std::path::PathBuf;

use hickory_proto::op::ResponseCode;
use tidegate_dns_config as config;
use tidegate_forward::{
    CacheSettings, ClientCertificate, HealthCheck, Policy, Prefetch, Refresh, Settings, Stale, Tls,
    UpstreamSource, ZoneName,
};

use super::build::{BuildError, read};

/// What one `forward` asks for, with the `cache` of its block.
pub(super) fn settings(
    forward: &config::Forward,
    cache: Option<&config::Cache>,
) -> Result<Settings, BuildError> {
    let default = Settings::default();
    let failover = forward.failover.iter().map(code).collect();
    Ok(Settings {
        upstreams: forward.to.iter().map(source).collect(),
        policy: match forward.policy {
            config::Policy::Random => Policy::Random,
            config::Policy::RoundRobin => Policy::RoundRobin,
            config::Policy::Sequential => Policy::Sequential,
        },
        force_tcp: forward.force_tcp,
        prefer_udp: forward.prefer_udp,
        max_fails: forward.max_fails,
        health_check: HealthCheck {
            interval: forward.health_check.interval,
            recursion_desired: forward.health_check.recursion_desired,
            domain: zone(&forward.health_check.domain),
        },
        fail_fast: forward.failfast_all_unhealthy_upstreams,
        failover: match forward.failover.is_empty() {
            true => default.failover,
            false => failover,
        },
        next: forward.next.iter().map(code).collect(),
        max_concurrent: forward.max_concurrent.map_or(0, |most| most as usize),
        expire: forward.expire,
        max_idle_connections: forward.max_idle_conns as usize,
        tls: tls(forward)?,
        cache: cache.map(cache_settings),
        ..default
    })
}

fn source(upstream: &config::Upstream) -> UpstreamSource {
    use config::UpstreamTransport::{Dns, Tls};
    match upstream {
        config::Upstream::ResolvConf(path) => UpstreamSource::ResolvConf(PathBuf::from(path)),
        config::Upstream::Server { address, transport } => match transport {
            Dns => UpstreamSource::Plain(*address),
            Tls { server_name } => UpstreamSource::Tls {
                address: *address,
                server_name: server_name.clone(),
            },
        },
    }
}

fn code(code: &config::Rcode) -> ResponseCode {
    ResponseCode::from(0, code.number())
}

/// Both have the same rules for names.
fn zone(name: &config::ZoneName) -> ZoneName {
    name.as_str().parse().unwrap_or_else(|_| ZoneName::root())
}

fn zones(names: &[config::ZoneName]) -> Vec<ZoneName> {
    names.iter().map(zone).collect()
}

fn tls(forward: &config::Forward) -> Result<Tls, BuildError> {
    let files = forward.tls.clone().unwrap_or_default();
    let client = match (&files.certificate, &files.key) {
        (Some(chain), Some(key)) => Some(ClientCertificate {
            chain: read(chain)?,
            key: read(key)?,
        }),
        _ => None,
    };
    Ok(Tls {
        authorities: files.authority.as_deref().map(read).transpose()?,
        client,
        server_name: forward.tls_server_name.clone(),
    })
}

fn cache_settings(cache: &config::Cache) -> CacheSettings {
    let default = CacheSettings::default();
    let shelf =
        |kind: &config::CacheKind, disabled: &[config::ZoneName]| tidegate_forward::ShelfSettings {
            entries: kind.capacity as usize,
            max_ttl: kind.ttl,
            min_ttl: kind.min_ttl,
            disabled: zones(disabled),
            ..default.success.clone()
        };
    CacheSettings {
        zones: zones(&cache.zones),
        success: shelf(&cache.success, &cache.disable_success),
        denial: shelf(&cache.denial, &cache.disable_denial),
        failure: cache.servfail,
        keep_ttl: cache.keep_ttl,
        prefetch: cache.prefetch.as_ref().map(|prefetch| Prefetch {
            amount: prefetch.amount,
            within: prefetch.duration,
            percentage: prefetch.percentage,
        }),
        stale: cache.serve_stale.as_ref().map(|stale| Stale {
            up_to: stale.duration,
            refresh: match stale.refresh {
                config::RefreshMode::Immediate => Refresh::Immediate,
                config::RefreshMode::Verify => Refresh::Verify { patience: None },
            },
            ..Stale::default()
        }),
    }
}
