//! The proxy at work on a node of somebody's cluster.

use anyhow::Context;
use tidegate_proxy_config::{CommandLine, KubeProxyConfiguration};
use tidegate_watch::{ClusterWatch, Scope};

use super::file::ConfigFile;
use super::joined;
use crate::connection::ApiAccess;
use crate::exit::Failure;
use crate::interrupt;
use crate::proxy::{Assembly, NodeSide, Reloader, sysctls};

/// Runs until it is interrupted. The rules stay in the kernel then, as kube-proxy's do, so that
/// connections go on while the proxy is restarted; `--cleanup` removes them.
///
/// # Errors
/// What kept it from starting, or what ended it.
pub(super) async fn run(
    line: CommandLine,
    config: KubeProxyConfiguration,
    file: Option<ConfigFile>,
) -> Result<(), Failure> {
    for warning in config.warnings() {
        tracing::warn!("{warning}");
    }
    set_oom_score(&config);
    sysctls::set(&config);
    let access = access(&config, line.master.clone());
    let client = access.client().await.map_err(Failure::BadInput)?;
    let shutdown = interrupt::token()?;
    let side = NodeSide {
        node: node_name(&config)?,
        keep_rules: true,
        ..NodeSide::default()
    };
    let watch = ClusterWatch::start(&client, Scope::Proxy, shutdown.clone());
    let flags = line.given();
    let (assembly, reloader) = Assembly::new(&config, side, &client, &watch, flags, &shutdown)?;
    if let Some(file) = file {
        let following = follow(file, line, reloader);
        let shutdown = shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
    }
    assembly.run(shutdown).await.map_err(Failure::machine)
}

fn access(config: &KubeProxyConfiguration, master: Option<String>) -> ApiAccess {
    let path = config.client_connection.kubeconfig.as_str();
    ApiAccess {
        kubeconfig: (!path.is_empty()).then(|| path.into()),
        server: master,
        remedy: "give --kubeconfig or --master",
        ..ApiAccess::default()
    }
}

/// Takes every change of the file over.
async fn follow(file: ConfigFile, line: CommandLine, mut reloader: Reloader) {
    let mut last = None;
    loop {
        file.changed(&mut last).await;
        let mut warnings = Vec::new();
        let taken = joined(&line, Some(&file), &mut warnings)
            .map_err(|failure| failure.to_string())
            .and_then(|config| reloader.take(config).map_err(|error| error.to_string()));
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        if let Err(error) = taken {
            tracing::error!("the configuration before stays in force: {error}");
        }
    }
}

/// The Node's name: as configured, else the host's.
fn node_name(config: &KubeProxyConfiguration) -> anyhow::Result<String> {
    match config.hostname_override.as_str() {
        "" => {
            let name = nix::unistd::gethostname().context("the host's name can't be read")?;
            Ok(name.to_string_lossy().trim().to_lowercase())
        }
        name => Ok(name.to_owned()),
    }
}

/// The kernel is to end others first when memory runs out.
fn set_oom_score(config: &KubeProxyConfiguration) {
    let Some(score) = config.oom_score_adj else {
        return;
    };
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", score.to_string()) {
        tracing::warn!(score, %error, "the OOM score can't be set");
    }
}
