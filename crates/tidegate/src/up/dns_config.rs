//! The ConfigMap `kube-system/coredns`: the DNS server's Corefile, where clusters made by kubeadm
//! have it. Whoever edits it changes the running server.

use std::pin::pin;

use anyhow::Context;
use futures::StreamExt;
use kube::Client;
use serde_json::json;
use tidegate_dns::ServerHandle;
use tidegate_dns_config::{DnsConfig, NoImports, NodeLocal, Parsed, parse_corefile};

use super::config_map::PartConfig;
use super::settings::Settings;

const CONFIG: PartConfig = PartConfig {
    part: "DNS server",
    name: "coredns",
    key: "Corefile",
};
/// What we wrote last: while the Corefile is still that, nobody has edited it, and it follows the
/// flags of each start.
const GENERATED: &str = "tidegate.dev/generated-corefile";

/// The configuration in the ConfigMap, which is made if it isn't there.
///
/// # Errors
/// The API refuses. A Corefile that can't be understood is no error: it is said, left as it is, and
/// the server works by its defaults until somebody corrects it.
pub(super) async fn publish(client: &Client, settings: &Settings) -> anyhow::Result<DnsConfig> {
    let default = corefile(settings);
    let metadata = json!({"annotations": {GENERATED: default}});
    let initial = || parse(&default, settings).context("our own Corefile; please report this");
    let Some(found) = CONFIG.find(client).await? else {
        CONFIG.create(client, metadata, &default).await?;
        return initial();
    };
    let annotations = found.metadata.annotations.as_ref();
    let generated = annotations.and_then(|all| all.get(GENERATED));
    let text = CONFIG.text(&found);
    if text
        .as_ref()
        .is_ok_and(|text| generated.is_some_and(|it| it == text))
    {
        CONFIG.update(client, metadata, &default).await?;
        return initial();
    }
    text.and_then(|text| parse(text, settings))
        .or_else(|error| {
            CONFIG.tell_unusable(&error);
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
    let mut contents = pin!(CONFIG.contents(&client));
    while let Some(text) = contents.next().await {
        let taken = match text.and_then(|text| parse(&text, &settings)) {
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
                tracing::info!("{CONFIG} is in force");
                in_force = config;
            }
            Err(error) => CONFIG.tell_refused(&error),
        }
    }
}

/// A Corefile has no word for the addresses of one machine alone; the command line has.
fn parse(text: &str, settings: &Settings) -> anyhow::Result<DnsConfig> {
    let environment = |variable: &str| std::env::var(variable).ok();
    let Parsed {
        mut config,
        warnings,
    } = parse_corefile(text, &CONFIG.object(), &NoImports, &environment)?;
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
