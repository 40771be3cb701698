//! The ConfigMap `kube-system/kube-proxy`: the proxy's configuration, where clusters made by
//! kubeadm have it. Whoever edits it changes the running proxy.

use std::pin::pin;

use anyhow::Context;
use futures::StreamExt;
use kube::Client;
use serde_json::json;
use tidegate_proxy_config::{KubeProxyConfiguration, decode};

use super::config_map::PartConfig;
use super::settings::Settings;
use crate::proxy::Reloader;

const CONFIG: PartConfig = PartConfig {
    part: "proxy",
    name: "kube-proxy",
    key: "config.conf",
};

/// The configuration in the ConfigMap, which is made if it isn't there. A mode on the command line
/// is written into it.
///
/// # Errors
/// The API refuses. A ConfigMap that can't be understood is no error: it is said, left as it is,
/// and the proxy works by its defaults until somebody corrects it.
pub(super) async fn publish(
    client: &Client,
    settings: &Settings,
) -> anyhow::Result<KubeProxyConfiguration> {
    let Some(found) = CONFIG.find(client).await? else {
        let config = initial(settings);
        let metadata = json!({"labels": {"app": CONFIG.name}});
        CONFIG.create(client, metadata, &config.encode()).await?;
        return Ok(config);
    };
    let mut config = match CONFIG.text(&found).and_then(parse) {
        Ok(config) => config,
        Err(error) => {
            CONFIG.tell_unusable(&error);
            return Ok(initial(settings));
        }
    };
    let asked = settings.proxy_mode.map(|mode| mode.name().to_owned());
    if let Some(mode) = asked.filter(|mode| *mode != config.mode) {
        config.mode = mode;
        CONFIG.update(client, json!({}), &config.encode()).await?;
    }
    Ok(config)
}

/// Takes every change of the ConfigMap over, for as long as it is polled.
pub(super) async fn follow(client: Client, mut reloader: Reloader) {
    let mut contents = pin!(CONFIG.contents(&client));
    while let Some(text) = contents.next().await {
        let config = text.and_then(|text| parse(&text));
        if let Err(error) = config.and_then(|config| Ok(reloader.take(config)?)) {
            CONFIG.tell_refused(&error);
        }
    }
}

fn parse(text: &str) -> anyhow::Result<KubeProxyConfiguration> {
    let place = || CONFIG.to_string();
    let decoded = decode(text.as_bytes()).with_context(place)?;
    if let Some(strict) = decoded.lenient {
        tracing::warn!("{CONFIG}: {strict}");
    }
    decoded.config.validate().with_context(place)?;
    Ok(decoded.config)
}

/// What a new machine starts with.
fn initial(settings: &Settings) -> KubeProxyConfiguration {
    let mut config = KubeProxyConfiguration::with_defaults();
    let mode = settings.proxy_mode.map_or("auto", |mode| mode.name());
    config.mode = mode.to_owned();
    let ranges: Vec<String> = settings.pod_cidrs.iter().map(ToString::to_string).collect();
    config.cluster_cidr = ranges.join(",");
    config.healthz_bind_address = settings.healthz_bind_address.to_string();
    config.metrics_bind_address = settings.metrics_bind_address.to_string();
    config
}
