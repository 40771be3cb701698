//! The API that `tidegate dns` watches: tidegate's own, in a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use tidegate_apiserver::{
    Config, ExecProcess, ExecRequest, LogOptions, LogStream, PodAccess, PodAccessError, Server,
};
use tidegate_store::RedbStore;

use crate::process::Running;

/// A running API server.
pub(crate) struct Api {
    pub(crate) kubeconfig: PathBuf,
    _running: Running,
}

impl Api {
    /// Starts one with nothing in it.
    pub(crate) fn start(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.display().to_string();
        Ok(Self {
            _running: Running::start(&["--run-api", &path])?,
            kubeconfig: directory.join("admin.kubeconfig"),
        })
    }
}

/// Serves an API from a directory, for ever.
pub(crate) async fn serve(directory: &Path) -> anyhow::Result<()> {
    let store = RedbStore::open(directory.join("store")).context("the API's store")?;
    // Where pods would reach it, if there were any.
    let advertised = SocketAddr::from(([192, 0, 2, 1], 6443));
    let config = Config::new(directory, advertised);
    let server = Server::start(config, Arc::new(store), Arc::new(NoPods)).await;
    let _server = server.context("the API server")?;
    std::future::pending().await
}

/// A node that has no pods.
struct NoPods;

impl NoPods {
    fn unknown<'a, T>(namespace: &str, pod: &str) -> BoxFuture<'a, Result<T, PodAccessError>>
    where
        T: Send + 'a,
    {
        let (namespace, pod) = (namespace.to_owned(), pod.to_owned());
        async move { Err(PodAccessError::UnknownPod { namespace, pod }) }.boxed()
    }
}

impl PodAccess for NoPods {
    fn logs<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        Self::unknown(namespace, pod)
    }

    fn exec<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        _: &'a str,
        _: ExecRequest,
    ) -> BoxFuture<'a, Result<ExecProcess, PodAccessError>> {
        Self::unknown(namespace, pod)
    }
}
