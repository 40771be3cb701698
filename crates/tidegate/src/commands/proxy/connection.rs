//! The way to the API server.

use anyhow::{Context, anyhow};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tidegate_proxy_config::KubeProxyConfiguration;

/// A client as the configuration asks for it: by a kubeconfig file, by an address alone, or with
/// the credentials of the pod that we run in.
///
/// # Errors
/// The file can't be used, or there is none and we are in no pod.
pub(super) async fn client(
    config: &KubeProxyConfiguration,
    master: Option<&str>,
) -> anyhow::Result<Client> {
    let path = config.client_connection.kubeconfig.as_str();
    let mut connection = match (path, master) {
        ("", None) => Config::incluster().map_err(|error| {
            anyhow!(
                "neither --kubeconfig nor --master was given, and these are not the credentials of \
                 a pod: {error}"
            )
        })?,
        ("", Some(master)) => Config::new(master.parse().context("--master")?),
        (path, _) => {
            let file = Kubeconfig::read_from(path);
            let file = file.with_context(|| format!("the kubeconfig {path}"))?;
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
                .await
                .with_context(|| format!("the kubeconfig {path}"))?
        }
    };
    if let Some(master) = master {
        connection.cluster_url = master.parse().context("--master")?;
    }
    Client::try_from(connection).context("the connection to the API server can't be set up")
}
