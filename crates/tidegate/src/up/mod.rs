//! `tidegate up`: everything on one machine, in one process.
//!
//! This is wiring: which part is told what, in which order they start, and in which they end.

mod config_map;
mod configs;
mod dns_config;
mod node_access;
mod progress;
mod proxy_config;
mod rights;
mod settings;
mod system;

use std::net::IpAddr;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use kube::Client;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tidegate_apiserver::{PodAccess, Server};
use tidegate_node::{CleanupReport, Node, PreparedNode};
use tidegate_store::{OpenError, RedbStore};
use tidegate_watch::{ClusterWatch, Scope};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::UpArgs;
use crate::exit::Failure;
use crate::proxy::Assembly;
use crate::up::node_access::NodeAccess;
use crate::up::progress::Progress;
use crate::up::settings::Settings;

/// How many of the parts serve: the proxy and the DNS server. They end last.
const SERVING_PARTS: usize = 2;

/// Runs everything until it is interrupted.
pub(crate) async fn run(args: UpArgs, interrupt: CancellationToken) -> Result<(), Failure> {
    let mut cluster = start(&args).await?;
    let broken = interrupt.run_until_cancelled(cluster.broken()).await;
    let stopped = cluster.stop().await;
    match broken {
        Some(error) => Err(Failure::Failed(error)),
        None => stopped,
    }
}

/// A running machine.
pub(crate) struct Cluster {
    settings: Settings,
    client: Client,
    server: Server,
    node: Arc<Node>,
    /// Ends what acts on the cluster's behalf: controllers, and the node's agent.
    acting: CancellationToken,
    /// Ends what serves: the proxy and the DNS server.
    serving: CancellationToken,
    parts: JoinSet<(&'static str, anyhow::Result<()>)>,
}

/// Starts every part in the order in which they need each other, and waits until they are ready.
///
/// # Errors
/// What kept a part from starting; whatever had started is ended again.
pub(crate) async fn start(args: &UpArgs) -> Result<Cluster, Failure> {
    let settings = Settings::resolve(args)?;
    rights::check()?;
    raise_open_files()?;
    let progress = Progress::begin();
    let store = RedbStore::open(&settings.data_dir).map_err(data_failure)?;
    progress.done("store", settings.data_dir.display());

    // The pod network comes first, because the API server listens on its addresses too.
    let prepared = PreparedNode::prepare(configs::node(&settings)?)
        .await
        .map_err(Failure::machine)?;
    let access = Arc::new(NodeAccess::default());
    let api = configs::api_server(&settings);
    let server = match Server::start(
        api,
        Arc::new(store),
        Arc::clone(&access) as Arc<dyn PodAccess>,
    )
    .await
    {
        Ok(server) => server,
        Err(error) => {
            report_leftovers(&prepared.abandon().await);
            return Err(Failure::machine(error));
        }
    };
    progress.done(
        "API server",
        format_args!("https://{}", server.local_addr()),
    );
    let client = server.client();
    let node = match prepared.register(client.clone()).await {
        Ok(node) => Arc::new(node),
        Err(error) => {
            server.shutdown().await;
            return Err(Failure::Failed(error.into()));
        }
    };
    access.connect(&node);
    progress.done(
        "node",
        format_args!(
            "{}, pods in {}",
            settings.node_name,
            list(&settings.pod_cidrs)
        ),
    );
    let mut cluster = Cluster {
        settings,
        client,
        server,
        node,
        acting: CancellationToken::new(),
        serving: CancellationToken::new(),
        parts: JoinSet::new(),
    };
    match cluster.start_parts(&progress).await {
        Ok(()) => Ok(cluster),
        Err(failure) => {
            if let Err(error) = cluster.stop().await {
                tracing::error!("{error}");
            }
            Err(failure)
        }
    }
}

impl Cluster {
    /// A client of the API with all rights.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The domain that cluster names end in, without a trailing dot.
    pub(crate) fn domain(&self) -> &str {
        &self.settings.domain_name
    }

    /// The DNS server's cluster IP.
    pub(crate) fn dns(&self) -> IpAddr {
        self.settings.cluster_dns[0]
    }

    /// Waits for a part to end although nobody asked it to.
    pub(crate) async fn broken(&mut self) -> anyhow::Error {
        match self.parts.join_next().await {
            Some(Ok((part, Err(error)))) => error.context(format!("the {part} ended")),
            Some(Ok((part, Ok(())))) => {
                anyhow!("the {part} ended for no reason; please report this")
            }
            Some(Err(crash)) => anyhow!(crash).context("a part broke down; please report this"),
            None => std::future::pending().await,
        }
    }

    /// Ends everything in reverse order and takes its traces along.
    ///
    /// # Errors
    /// Something could not be removed; everything else is.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        tracing::info!("stopping");
        // Pods end while the API still takes what they have to say, and after the controllers,
        // which would replace them.
        self.acting.cancel();
        let mut failures = Vec::new();
        while self.parts.len() > SERVING_PARTS {
            self.take_end(&mut failures).await;
        }
        let report = self.node.stop().await;
        failures.extend(report.problems.iter().map(ToString::to_string));
        self.serving.cancel();
        while !self.parts.is_empty() {
            self.take_end(&mut failures).await;
        }
        if !self.settings.node_local_dns.is_empty() {
            let taken_down = tidegate_node_local::take_down(&self.settings.node_local_dns);
            failures.extend(taken_down.err().map(|error| error.to_string()));
        }
        self.server.shutdown().await;
        if failures.is_empty() {
            return Ok(());
        }
        Err(Failure::Failed(anyhow!(
            "some traces may be left, `tidegate cleanup` removes them:\n  {}",
            failures.join("\n  ")
        )))
    }

    async fn take_end(&mut self, failures: &mut Vec<String>) {
        match self.parts.join_next().await {
            Some(Ok((part, Err(error)))) => {
                failures.push(format!("the {part} did not end well: {error:#}"))
            }
            Some(Err(crash)) => failures.push(crash.to_string()),
            Some(Ok((_, Ok(())))) | None => {}
        }
    }

    async fn start_parts(&mut self, progress: &Progress) -> Result<(), Failure> {
        let settings = self.settings.clone();
        if !settings.node_local_dns.is_empty() {
            tidegate_node_local::set_up(&settings.node_local_dns).map_err(Failure::machine)?;
        }
        let dns_config = dns_config::publish(&self.client, &settings).await?;
        let dns = tidegate_dns::Server::bind(&dns_config, configs::dns(&settings));
        let dns = dns.map_err(Failure::machine)?;
        system::publish_dns(&self.client, &settings)
            .await
            .context("the DNS Service could not be published")?;
        let proxy_config = proxy_config::publish(&self.client, &settings).await?;

        let watch = ClusterWatch::start(&self.client, Scope::Everything, self.serving.clone());
        let mut first_lists = watch.subscribe();
        let (proxy, reloader) = Assembly::new(
            &proxy_config,
            configs::node_side(&settings),
            &self.client,
            &watch,
            Vec::new(),
            &self.serving,
        )?;
        let mut status = proxy.status();
        let following = proxy_config::follow(self.client.clone(), reloader);
        let serving = self.serving.clone();
        tokio::spawn(async move { serving.run_until_cancelled(following).await });
        let following = dns_config::follow(
            self.client.clone(),
            settings.clone(),
            dns_config,
            dns.handle(),
        );
        let serving = self.serving.clone();
        tokio::spawn(async move { serving.run_until_cancelled(following).await });
        let (serving, acting) = (self.serving.clone(), self.acting.clone());
        let dns_watch = watch.clone();
        let dns_serving = serving.clone();
        self.parts.spawn(async move {
            (
                "DNS server",
                dns.run(&dns_watch, dns_serving).await.map_err(Into::into),
            )
        });
        self.parts
            .spawn(async move { ("proxy", proxy.run(serving).await.map_err(Into::into)) });
        let controllers =
            tidegate_controllers::run(self.client.clone(), Default::default(), acting.clone());
        self.parts
            .spawn(async move { ("controllers", controllers.await.map_err(Into::into)) });
        let node = Arc::clone(&self.node);
        self.parts.spawn(async move {
            node.run(acting.cancelled_owned()).await;
            ("node", Ok(()))
        });

        first_lists.changed().await;
        progress.done(
            "DNS",
            format_args!(
                "{} answers for {}",
                list(&settings.cluster_dns),
                settings.domain_name
            ),
        );
        tokio::select! {
            programmed = status.wait_for(|status| status.programmed) => {
                programmed.context("the proxy ended before it had programmed the kernel")?;
            }
            error = self.broken() => return Err(Failure::Failed(error)),
        }
        progress.done(
            "proxy",
            format_args!(
                "{}, Services in {}",
                status.borrow().mode,
                list(&settings.service_cidrs)
            ),
        );
        progress.ready(self.server.kubeconfig_path());
        Ok(())
    }
}

/// Watches, probes, pods' logs and DNS questions on their way hold a file each; the customary limit
/// of 1024 is for programs that use `select`.
fn raise_open_files() -> Result<(), Failure> {
    let raise = || {
        let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, most, most)
    };
    raise()
        .context("the limit of open files can't be raised")
        .map_err(Failure::Machine)
}

fn data_failure(error: OpenError) -> Failure {
    Failure::Data(error.into())
}

fn report_leftovers(report: &CleanupReport) {
    for problem in &report.problems {
        tracing::error!("{problem}; `tidegate cleanup` tries again");
    }
}

fn list<T: ToString>(items: &[T]) -> String {
    items
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" and ")
}
