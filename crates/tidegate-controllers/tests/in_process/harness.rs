//! An API server on a fresh store, with controllers and a node.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tidegate_apiserver::{
    Config, ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, Server,
};
use tidegate_controllers::{ControllersError, Settings};
use tidegate_store::RedbStore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{late, node};

/// Long enough for any machine: a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(60);

/// What a namespaced kind of these tests is.
pub(crate) trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
{
}
impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
{
}

/// A small cluster.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    shutdown: CancellationToken,
    controllers: JoinHandle<Result<(), ControllersError>>,
    server: Server,
    _directory: tempfile::TempDir,
}

impl Cluster {
    /// Starts everything; the node makes every pod ready as soon as it sees it.
    pub(crate) async fn start() -> Self {
        Self::start_with(|client| client).await
    }

    /// Like [`Cluster::start`], but the controllers hear of pods late.
    pub(crate) async fn start_with_late_pod_events(by: Duration) -> Self {
        Self::start_with_late_events("/api/v1/pods", by).await
    }

    /// Like [`Cluster::start`], but the controllers hear of one kind late.
    pub(crate) async fn start_with_late_events(kind: &'static str, by: Duration) -> Self {
        Self::start_with(|client| late::events(client, kind, by)).await
    }

    async fn start_with(client_of_controllers: impl FnOnce(Client) -> Client) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(RedbStore::open(directory.path().join("store")).unwrap());
        let mut config = Config::new(directory.path(), ([192, 0, 2, 1], 6443).into());
        config.listen = ([127, 0, 0, 1], 0).into();
        let server = Server::start(config, store, Arc::new(NoPods))
            .await
            .unwrap();
        let client = server.client();
        let shutdown = CancellationToken::new();
        let controllers = tidegate_controllers::run(
            client_of_controllers(client.clone()),
            Settings::default(),
            shutdown.clone(),
        );
        let controllers = tokio::spawn(controllers);
        node::start(client.clone(), shutdown.clone()).await;
        Self {
            client,
            shutdown,
            controllers,
            server,
            _directory: directory,
        }
    }

    /// Ends everything and checks that the controllers had nothing to complain of.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.controllers.await.unwrap().unwrap();
        self.server.shutdown().await;
    }

    pub(crate) fn api<K: Kind>(&self) -> Api<K> {
        self.api_in("default")
    }

    pub(crate) fn api_in<K: Kind>(&self, namespace: &str) -> Api<K> {
        Api::namespaced(self.client.clone(), namespace)
    }

    pub(crate) async fn create<K: Kind>(&self, value: Value) -> K {
        let object: K = serde_json::from_value(value).unwrap();
        let namespace = object
            .meta()
            .namespace
            .clone()
            .unwrap_or("default".to_owned());
        self.api_in(&namespace)
            .create(&PostParams::default(), &object)
            .await
            .unwrap()
    }

    pub(crate) async fn patch<K: Kind>(&self, name: &str, patch: Value) -> K {
        let patch = Patch::Merge(patch);
        self.api::<K>()
            .patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap()
    }

    pub(crate) async fn delete<K: Kind>(&self, name: &str, params: DeleteParams) {
        self.api::<K>().delete(name, &params).await.unwrap();
    }

    pub(crate) async fn list<K: Kind>(&self, labels: &str) -> Vec<K> {
        self.api()
            .list(&ListParams::default().labels(labels))
            .await
            .unwrap()
            .items
    }

    /// Waits until the objects with these labels are as they should be.
    pub(crate) async fn until<K: Kind>(
        &self,
        labels: &str,
        expected: impl Fn(&[K]) -> bool,
    ) -> Vec<K> {
        let begin = Instant::now();
        loop {
            let objects = self.list::<K>(labels).await;
            if expected(&objects) {
                return objects;
            }
            assert!(
                begin.elapsed() < DEADLINE,
                "it never came so far: {objects:#?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Neither logs nor commands are asked for here.
struct NoPods;

impl PodAccess for NoPods {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _container: &'a str,
        _options: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
        Box::pin(async { Err(PodAccessError::UnknownPod { namespace, pod }) })
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>> {
        let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
        Box::pin(async { Err(PodAccessError::UnknownPod { namespace, pod }) })
    }
}
