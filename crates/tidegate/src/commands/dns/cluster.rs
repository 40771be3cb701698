//! The cluster whose names are answered.

use std::path::PathBuf;

use anyhow::bail;
use tidegate_dns_config::{DnsConfig, Kubernetes};
use tidegate_watch::{ClusterWatch, Scope};
use tokio_util::sync::CancellationToken;

use crate::connection::{ApiAccess, Certificates};

/// The way to the API server that was taken at the start, and is the one until the end.
pub(super) struct ClusterApi {
    kubeconfig: Option<PathBuf>,
    /// Nothing, if no server block asked for a cluster and none could be reached.
    taken: Option<ApiAccess>,
}

impl ClusterApi {
    /// Finds the way, with a watch that asks nothing of the API before a server block needs it. Blocks
    /// that need it may come with a later configuration.
    ///
    /// # Errors
    /// The configuration asks for a cluster, and there is no way to its API server.
    pub(super) async fn find(
        kubeconfig: Option<PathBuf>,
        config: &DnsConfig,
        shutdown: CancellationToken,
    ) -> anyhow::Result<(Self, ClusterWatch)> {
        let wanted = kubernetes(config);
        let access = access(
            kubeconfig.as_ref(),
            wanted.unwrap_or(&Kubernetes::default()),
        );
        let (taken, watch) = match access.clone().client().await {
            Ok(client) => {
                let watch = ClusterWatch::on_demand(&client, Scope::Everything, shutdown);
                (Some(access), watch)
            }
            Err(error) if wanted.is_some() => return Err(error),
            Err(error) => {
                tracing::debug!("nobody asks for a cluster, and there is none: {error:#}");
                (None, ClusterWatch::detached().0)
            }
        };
        Ok((Self { kubeconfig, taken }, watch))
    }

    /// Looks whether another configuration can be served by the same way.
    ///
    /// # Errors
    /// It names another API server.
    pub(super) fn serves(&self, config: &DnsConfig) -> anyhow::Result<()> {
        let Some(kubernetes) = kubernetes(config) else {
            return Ok(());
        };
        if self.taken != Some(access(self.kubeconfig.as_ref(), kubernetes)) {
            bail!(
                "`kubernetes` leads to another API server than at the start; \
                 start `tidegate dns` anew"
            );
        }
        Ok(())
    }
}

/// What the configuration says about the cluster; one cluster is all that a server has.
fn kubernetes(config: &DnsConfig) -> Option<&Kubernetes> {
    let mut blocks = config.servers.iter();
    blocks.find_map(|block| block.kubernetes.as_ref())
}

/// The API server of the flags, or else of the configuration; a kubeconfig comes before an endpoint.
fn access(kubeconfig: Option<&PathBuf>, kubernetes: &Kubernetes) -> ApiAccess {
    let of_flags = kubeconfig.map(|path| ApiAccess {
        kubeconfig: Some(path.clone()),
        ..ApiAccess::default()
    });
    let of_file = || {
        let kubeconfig = kubernetes.kubeconfig.as_ref();
        kubeconfig.map(|kubeconfig| ApiAccess {
            kubeconfig: Some(PathBuf::from(&kubeconfig.file)),
            context: kubeconfig.context.clone(),
            ..ApiAccess::default()
        })
    };
    of_flags.or_else(of_file).unwrap_or_else(|| {
        let tls = kubernetes.tls.clone().unwrap_or_default();
        let file = |path: String| Some(path).filter(|path| !path.is_empty());
        ApiAccess {
            server: kubernetes.endpoint.clone(),
            certificates: Certificates {
                authority: file(tls.authority),
                client: file(tls.certificate),
                key: file(tls.key),
            },
            remedy: "give --kubeconfig, or `endpoint` in the file",
            ..ApiAccess::default()
        }
    })
}
