//! The ConfigMap `kube-system/coredns`: the DNS server's Corefile, where clusters made by kubeadm
//! have it. Whoever edits it changes the running server.

use anyhow::{Context, anyhow};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use serde_json::json;
use tidegate_dns::ServerHandle;
use tidegate_dns_config::{DnsConfig, NoImports, NodeLocal, Parsed, parse_corefile};

use super::settings::Settings;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "coredns";
/// The key that kubeadm uses.
const KEY: &str = "Corefile";
/// What we wrote last: while the Corefile is still that, nobody has edited it, and it follows the
/// flags of each start.
const GENERATED: &str = "tidegate.dev/generated-corefile";

/// The configuration in the ConfigMap, which is made if it isn't there.
///
/// # Errors
/// The API refuses. A Corefile that can't be understood is no error: it is said, left as it is, and
/// the server works by its defaults until somebody corrects it.
pub(super) async fn publish(client: &Client, settings: &Settings) -> anyhow::Result<DnsConfig> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), NAMESPACE);
    let default = corefile(settings);
    let initial = || parse(&default, settings).context("our own Corefile; please report this");
    let found = api
        .get_opt(NAME)
        .await
        .context("reading the DNS server's ConfigMap")?;
    let Some(found) = found else {
        let object = json!({
            "metadata": {"name": NAME, "annotations": {GENERATED: default}},
            "data": {KEY: default},
        });
        let created = api
            .create(&PostParams::default(), &serde_json::from_value(object)?)
            .await;
        created.context("making the DNS server's ConfigMap")?;
        return initial();
    };
    let annotations = found.metadata.annotations.as_ref();
    let generated = annotations.and_then(|all| all.get(GENERATED));
    let text = found.data.as_ref().and_then(|data| data.get(KEY));
    if text.is_some() && text == generated {
        let object = json!({
            "metadata": {"annotations": {GENERATED: default}},
            "data": {KEY: default},
        });
        let patched = api
            .patch(NAME, &PatchParams::default(), &Patch::Merge(object))
            .await;
        patched.context("bringing the DNS server's ConfigMap up to date")?;
        return initial();
    }
    read(&found, settings).or_else(|error| {
        tracing::error!("{error:#}; the DNS server works by its defaults until that is corrected");
        initial()
    })
}

/// Takes every change of the ConfigMap over, for as long as it is polled.
pub(super) async fn follow(
    client: Client,
    settings: Settings,
    mut in_force: DnsConfig,
    server: ServerHandle,
) {
    let api: Api<ConfigMap> = Api::namespaced(client, NAMESPACE);
    let only = Config::default().fields(&format!("metadata.name={NAME}"));
    let mut events = std::pin::pin!(watcher(api, only).default_backoff());
    loop {
        match events.try_next().await {
            Ok(Some(Event::Apply(object) | Event::InitApply(object))) => {
                let taken = match read(&object, &settings) {
                    Ok(config) if config == in_force => continue,
                    Ok(config) => server
                        .reload(&config)
                        .await
                        .map(|()| config)
                        .map_err(Into::into),
                    Err(error) => {
                        server.refused();
                        Err(error)
                    }
                };
                match taken {
                    Ok(config) => {
                        tracing::info!(
                            "the Corefile of the ConfigMap {NAMESPACE}/{NAME} is in force"
                        );
                        in_force = config;
                    }
                    Err(error) => {
                        tracing::error!(
                            "{error:#}; the DNS server's configuration before stays in force"
                        );
                    }
                }
            }
            Ok(Some(Event::Delete(_))) => {
                tracing::warn!(
                    "the ConfigMap {NAMESPACE}/{NAME} is gone; the DNS server's configuration stays in force"
                );
            }
            Ok(Some(Event::Init | Event::InitDone)) => {}
            Ok(None) => return,
            Err(error) => tracing::warn!(%error, "the watch of the DNS server's ConfigMap was cut"),
        }
    }
}

fn read(object: &ConfigMap, settings: &Settings) -> anyhow::Result<DnsConfig> {
    let text = object.data.as_ref().and_then(|data| data.get(KEY));
    let missing = || anyhow!("the key {KEY:?} of the ConfigMap {NAMESPACE}/{NAME} is missing");
    parse(text.ok_or_else(missing)?, settings)
}

/// A Corefile has no word for the addresses of one machine alone; the command line has.
fn parse(text: &str, settings: &Settings) -> anyhow::Result<DnsConfig> {
    let origin = format!("ConfigMap {NAMESPACE}/{NAME}");
    let environment = |variable: &str| std::env::var(variable).ok();
    let Parsed {
        mut config,
        warnings,
    } = parse_corefile(text, &origin, &NoImports, &environment)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let addresses = settings.node_local_dns.clone();
    config.node_local = (!addresses.is_empty()).then_some(NodeLocal { addresses });
    Ok(config)
}

/// What a new machine starts with: kubeadm's Corefile, but that pods' names are verified, that
/// addresses of the cluster aren't asked for elsewhere, and that pages are on loopback.
fn corefile(settings: &Settings) -> String {
    let ranges = settings.service_cidrs.iter().chain(&settings.pod_cidrs);
    let ranges: Vec<String> = ranges.map(ToString::to_string).collect();
    format!(
        ".:53 {{
    errors
    health 127.0.0.1:8080
    ready 127.0.0.1:8181
    kubernetes {domain} {ranges} {{
        pods verified
        ttl 5
    }}
    prometheus 127.0.0.1:9153
    forward . {resolv_conf} {{
        max_concurrent 1000
    }}
    cache 30
    loop
    reload
    loadbalance
}}
",
        domain = settings.domain_name,
        ranges = ranges.join(" "),
        resolv_conf = settings.resolv_conf.display(),
    )
}
