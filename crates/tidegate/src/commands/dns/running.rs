//! The DNS server at work in somebody's cluster.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tidegate_dns::{Server, ServerHandle, Setup, StartError};
use tidegate_dns_config::{DnsConfig, Parsed};
use tidegate_node_local::NodeLocalError;
use tokio_util::sync::CancellationToken;

use super::args::DnsArgs;
use super::cluster::ClusterApi;
use super::source::Source;
use super::tell;
use crate::exit::Failure;
use crate::interrupt;

/// How often the file is looked at. A ConfigMap's files are swapped by a link somewhere on the
/// path, which no watch on the file itself would tell.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Runs until it is interrupted.
///
/// # Errors
/// What kept it from starting, or what ended it.
pub(super) async fn run(args: &DnsArgs, source: Source, config: DnsConfig) -> Result<(), Failure> {
    let shutdown = interrupt::token()?;
    let setup = Setup {
        addresses: addresses(args, &source),
        advertised: args.advertise.clone(),
        search: Vec::new(),
    };
    // Before the server asks for them, and taken away again when it has ended, whatever ends it.
    let local = OfThisNode::set_up(&config).map_err(Failure::machine)?;
    let served = serve(args, source, config, setup, &local, shutdown).await;
    let left = local.take_down().map_err(Failure::machine);
    served.and(left)
}

async fn serve(
    args: &DnsArgs,
    source: Source,
    config: DnsConfig,
    setup: Setup,
    local: &OfThisNode,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let server = Server::bind(&config, setup).map_err(failure)?;
    let handle = server.handle();
    let kubeconfig = args.kubeconfig.clone();
    let found = ClusterApi::find(kubeconfig, &config, shutdown.clone()).await;
    let (cluster, watch) = found.map_err(Failure::BadInput)?;
    for address in server.addresses() {
        tracing::info!("answering at {address}");
    }
    if source.is_file() {
        let following = follow(source, config, handle, cluster, local.clone());
        let shutdown = shutdown.clone();
        tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
    }
    server.run(&watch, shutdown).await.map_err(failure)
}

fn failure(error: StartError) -> Failure {
    match error {
        StartError::Config(error) => Failure::bad_input(error),
        error => Failure::machine(error),
    }
}

/// Where blocks listen that don't say where.
fn addresses(args: &DnsArgs, source: &Source) -> Vec<IpAddr> {
    match args.listen.is_empty() && !source.is_file() {
        true => vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        false => args.listen.clone(),
    }
}

/// Takes every change of the file over, for as long as it asks for that with `reload`.
async fn follow(
    source: Source,
    mut in_force: DnsConfig,
    handle: ServerHandle,
    cluster: ClusterApi,
    local: OfThisNode,
) {
    let mut refused = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if !in_force.servers.iter().any(|block| block.reload.is_some()) {
            continue;
        }
        let taken = match source.read() {
            Ok(read) if read.config == in_force => {
                refused = None;
                continue;
            }
            Ok(Parsed { config, warnings }) => take(config, &handle, &cluster, &local)
                .await
                .inspect(|_| tell(&warnings)),
            Err(error) => {
                handle.refused();
                Err(error)
            }
        };
        match taken {
            Ok(config) => {
                tracing::info!("{} has changed, and is in force", source.name());
                in_force = config;
                refused = None;
            }
            Err(error) => {
                // The same mistake is told once.
                let text = format!("{error:#}");
                if refused.as_ref() != Some(&text) {
                    tracing::error!("the configuration before stays in force: {text}");
                    refused = Some(text);
                }
            }
        }
    }
}

async fn take(
    config: DnsConfig,
    handle: &ServerHandle,
    cluster: &ClusterApi,
    local: &OfThisNode,
) -> anyhow::Result<DnsConfig> {
    cluster.serves(&config).inspect_err(|_| handle.refused())?;
    local.add(&config)?;
    handle.reload(&config).await?;
    Ok(config)
}

/// The addresses of this node alone that any configuration so far has asked for.
#[derive(Clone)]
struct OfThisNode(Arc<Mutex<Vec<IpAddr>>>);

impl OfThisNode {
    fn set_up(config: &DnsConfig) -> Result<Self, NodeLocalError> {
        let local = Self(Arc::default());
        local.add(config)?;
        Ok(local)
    }

    fn add(&self, config: &DnsConfig) -> Result<(), NodeLocalError> {
        let wanted = config.node_local.as_ref();
        let wanted = wanted.map_or(&[][..], |local| &local.addresses);
        if wanted.is_empty() {
            return Ok(());
        }
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(wanted);
        tidegate_node_local::set_up(&all)
    }

    fn take_down(&self) -> Result<(), NodeLocalError> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.is_empty() {
            true => Ok(()),
            false => tidegate_node_local::take_down(&all).map(drop),
        }
    }
}
