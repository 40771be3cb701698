//! The ConfigMap `kube-system/kube-proxy`: the proxy's configuration, where clusters made by
//! kubeadm have it. Whoever edits it changes the running proxy.

use anyhow::{Context, anyhow};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use serde_json::json;
use tidegate_proxy_config::{KubeProxyConfiguration, decode};

use super::settings::Settings;
use crate::proxy::Reloader;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "kube-proxy";
/// The key that kubeadm uses.
const KEY: &str = "config.conf";

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
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let found = api
        .get_opt(NAME)
        .await
        .context("reading the proxy's ConfigMap")?;
    let asked = settings.proxy_mode.map(|mode| mode.name().to_owned());
    let Some(found) = found else {
        let config = initial(settings);
        let created = api
            .create(&PostParams::default(), &config_map(&config)?)
            .await;
        created.context("making the proxy's ConfigMap")?;
        return Ok(config);
    };
    let mut config = match read(&found) {
        Ok(config) => config,
        Err(error) => {
            tracing::error!("{error:#}; the proxy works by its defaults until that is corrected");
            return Ok(initial(settings));
        }
    };
    if let Some(mode) = asked.filter(|mode| *mode != config.mode) {
        config.mode = mode;
        let patch = Patch::Merge(json!({"data": {KEY: config.encode()}}));
        let patched = api.patch(NAME, &PatchParams::default(), &patch).await;
        patched.context("changing the mode in the proxy's ConfigMap")?;
    }
    Ok(config)
}

/// Takes every change of the ConfigMap over, for as long as it is polled.
pub(super) async fn follow(client: Client, mut reloader: Reloader) {
    let api: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    let only = Config::default().fields(&format!("metadata.name={NAME}"));
    let mut events = std::pin::pin!(watcher(api, only).default_backoff());
    loop {
        match events.try_next().await {
            Ok(Some(Event::Apply(object) | Event::InitApply(object))) => {
                let taken = read(&object).and_then(|config| Ok(reloader.take(config)?));
                if let Err(error) = taken {
                    tracing::error!("{error:#}; the proxy's configuration before stays in force");
                }
            }
            Ok(Some(Event::Delete(_))) => {
                tracing::warn!(
                    "the ConfigMap {NAMESPACE}/{NAME} is gone; the proxy's configuration stays in force"
                );
            }
            Ok(Some(Event::Init | Event::InitDone)) => {}
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "the watch of the proxy's ConfigMap was cut"),
        }
    }
}

fn read(object: &ConfigMap) -> anyhow::Result<KubeProxyConfiguration> {
    let place = || format!("the key {KEY:?} of the ConfigMap {NAMESPACE}/{NAME}");
    let text = object.data.as_ref().and_then(|data| data.get(KEY));
    let text = text.ok_or_else(|| anyhow!("{} is missing", place()))?;
    let decoded = decode(text.as_bytes()).with_context(place)?;
    if let Some(strict) = decoded.lenient {
        tracing::warn!("{}: {strict}", place());
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

fn config_map(config: &KubeProxyConfiguration) -> anyhow::Result<ConfigMap> {
    let object = json!({
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "data": {KEY: config.encode()},
    });
    Ok(serde_json::from_value(object)?)
}
