//! Starts the watches and the controllers, and ends them.

use std::fmt::Debug;
use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::Settings;
use crate::cluster::{Cache, Cluster, Listener, Listeners, follow};
use crate::context::Context;
use crate::deployments::DeploymentController;
use crate::endpoints::EndpointsController;
use crate::events::Recorder;
use crate::garbage::GarbageController;
use crate::mirroring::MirroringController;
use crate::namespaces::NamespaceController;
use crate::replicasets::ReplicaSetController;
use crate::slices::SliceController;
use crate::statefulsets::StatefulSetController;

/// Why the controllers could not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ControllersError {
    /// A slice can hold between 1 and 1000 endpoints, which is what the API allows.
    #[error(
        "max_endpoints_per_slice is {0}, but an EndpointSlice holds between 1 and 1000 endpoints; \
         choose a number in that range"
    )]
    MaxEndpointsPerSlice(usize),
    /// Without parallelism no work would ever be done.
    #[error("parallelism is 0, so no controller could do any work; choose at least 1")]
    NoParallelism,
    /// A part of the controllers broke down. This is a defect; start them again.
    #[error("a controller broke down, so objects are not kept up to date any more: {0}")]
    BrokeDown(#[source] JoinError),
}

/// Runs all controllers until `shutdown`, then finishes what is being written and returns.
///
/// Where several servers run, call this on the one that leads and cancel `shutdown` when it
/// stops leading: controllers that run twice do no lasting harm, but get in each other's way.
///
/// While the API server is away the controllers wait and try again.
///
/// # Errors
///
/// [`ControllersError`] if a setting makes no sense, before anything is started, or if a
/// controller broke down.
pub async fn run(
    client: Client,
    settings: Settings,
    shutdown: CancellationToken,
) -> Result<(), ControllersError> {
    if !(1..=1000).contains(&settings.max_endpoints_per_slice) {
        return Err(ControllersError::MaxEndpointsPerSlice(
            settings.max_endpoints_per_slice,
        ));
    }
    if settings.parallelism == 0 {
        return Err(ControllersError::NoParallelism);
    }
    // Whatever way this function ends, the watches end with it.
    let watching = shutdown.child_token();
    let _end_watches = watching.clone().drop_guard();

    let (recorder, writing_events) = Recorder::new(client.clone());
    let mut tasks = JoinSet::new();
    let stop = watching.clone();
    tasks.spawn(async move {
        stop.run_until_cancelled(writing_events).await;
    });
    let context = Context {
        cluster: Arc::default(),
        client,
        recorder,
        settings,
    };
    let controllers = Controllers::new(&context);
    let mut watches = Watches {
        client: context.client.clone(),
        cluster: Arc::clone(&context.cluster),
        unsynced: watch::Sender::new(0),
        shutdown: watching,
    };
    watches.start(controllers.listeners(&context.cluster), &mut tasks);
    let mut unsynced = watches.unsynced.subscribe();
    let synced = async { unsynced.wait_for(|count| *count == 0).await.is_ok() };
    if shutdown.run_until_cancelled(synced).await == Some(true) {
        tracing::debug!("the caches are complete; the controllers begin");
        controllers.start(&shutdown, &mut tasks);
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(ControllersError::BrokeDown)?;
    }
    Ok(())
}

/// All controllers.
struct Controllers {
    slices: Arc<SliceController>,
    endpoints: Arc<EndpointsController>,
    mirroring: Arc<MirroringController>,
    deployments: Arc<DeploymentController>,
    replica_sets: Arc<ReplicaSetController>,
    stateful_sets: Arc<StatefulSetController>,
    garbage: Arc<GarbageController>,
    namespaces: Arc<NamespaceController>,
}

impl Controllers {
    fn new(context: &Context) -> Self {
        Self {
            slices: SliceController::new(context),
            endpoints: EndpointsController::new(context),
            mirroring: MirroringController::new(context),
            deployments: DeploymentController::new(context),
            replica_sets: ReplicaSetController::new(context),
            stateful_sets: StatefulSetController::new(context),
            garbage: GarbageController::new(context),
            namespaces: NamespaceController::new(context),
        }
    }

    fn listeners(&self, cluster: &Arc<Cluster>) -> Listeners {
        let mut listeners = Listeners::default();
        cluster.listen(&mut listeners);
        self.slices.listen(&mut listeners);
        self.endpoints.listen(&mut listeners);
        self.mirroring.listen(&mut listeners);
        self.deployments.listen(&mut listeners);
        self.replica_sets.listen(&mut listeners);
        self.stateful_sets.listen(&mut listeners);
        self.garbage.listen(&mut listeners);
        self.namespaces.listen(&mut listeners);
        listeners
    }

    fn start(self, shutdown: &CancellationToken, tasks: &mut JoinSet<()>) {
        tasks.spawn(self.slices.run(shutdown.clone()));
        tasks.spawn(self.endpoints.run(shutdown.clone()));
        tasks.spawn(self.mirroring.run(shutdown.clone()));
        tasks.spawn(self.deployments.run(shutdown.clone()));
        tasks.spawn(self.replica_sets.run(shutdown.clone()));
        tasks.spawn(self.stateful_sets.run(shutdown.clone()));
        tasks.spawn(self.garbage.run(shutdown.clone()));
        tasks.spawn(self.namespaces.run(shutdown.clone()));
    }
}

/// One watch for each kind, and how many of them have not shown everything yet.
struct Watches {
    client: Client,
    cluster: Arc<Cluster>,
    unsynced: watch::Sender<usize>,
    shutdown: CancellationToken,
}

impl Watches {
    fn start(&mut self, listeners: Listeners, tasks: &mut JoinSet<()>) {
        self.follow(|cluster| &cluster.nodes, listeners.nodes, tasks);
        self.follow(|cluster| &cluster.namespaces, listeners.namespaces, tasks);
        self.follow(|cluster| &cluster.services, listeners.services, tasks);
        self.follow(|cluster| &cluster.pods, listeners.pods, tasks);
        self.follow(|cluster| &cluster.slices, listeners.slices, tasks);
        self.follow(|cluster| &cluster.endpoints, listeners.endpoints, tasks);
        self.follow(|cluster| &cluster.deployments, listeners.deployments, tasks);
        self.follow(
            |cluster| &cluster.replica_sets,
            listeners.replica_sets,
            tasks,
        );
        self.follow(
            |cluster| &cluster.stateful_sets,
            listeners.stateful_sets,
            tasks,
        );
        self.follow(
            |cluster| &cluster.controller_revisions,
            listeners.controller_revisions,
            tasks,
        );
    }

    fn follow<K>(
        &self,
        cache: fn(&Cluster) -> &Cache<K>,
        listeners: Vec<Listener<K>>,
        tasks: &mut JoinSet<()>,
    ) where
        K: Resource<DynamicType = ()> + k8s_openapi::Metadata<Ty = ObjectMeta>,
        K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        self.unsynced.send_modify(|count| *count += 1);
        let api: Api<K> = Api::all(self.client.clone());
        let cluster = Arc::clone(&self.cluster);
        let (unsynced, shutdown) = (self.unsynced.clone(), self.shutdown.clone());
        tasks.spawn(async move {
            let mut first = Some(unsynced);
            let synced = || {
                if let Some(unsynced) = first.take() {
                    unsynced.send_modify(|count| *count -= 1);
                }
            };
            let watching = follow(api, cache(&cluster), &listeners, synced);
            shutdown.run_until_cancelled(watching).await;
        });
    }
}
