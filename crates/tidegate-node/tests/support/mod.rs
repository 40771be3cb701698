//! A machine of its own for each test: a network namespace with an API server and a node.

#![allow(dead_code, reason = "every test binary uses another part of this")]

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, DeleteParams, ListParams, PostParams};
use kube::{Client, ResourceExt};
use nix::sched::{CloneFlags, unshare};
use tidegate_apiserver::{Config, LogStream, PodAccess, PodAccessError, Server};
use tidegate_node::{
    BackOffSettings, CleanupConfig, CleanupReport, LogOptions, Node, NodeConfig, PreparedNode,
    cleanup,
};
use tidegate_store::RedbStore;

/// Long enough for the slowest machine; nothing waits for it to pass.
pub(crate) const GENEROUS: Duration = Duration::from_secs(60);

/// Runs a test on threads in a network namespace of their own. The kernel removes it, with all that
/// is in it, when the test process ends.
pub(crate) fn on_own_machine<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("tests of this crate need root");
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
            runtime().block_on(async {
                bring_up_loopback().await;
                test().await;
            });
        }));
        // With its runtime the node is gone; what a failed test left of it goes now.
        let directories = std::mem::take(&mut *DIRECTORIES.lock().expect("not poisoned"));
        for data_dir in directories {
            let report = runtime().block_on(cleanup(&CleanupConfig { data_dir }));
            assert!(result.is_err() || report.problems.is_empty(), "{report:?}");
        }
        result
    });
    match thread.join() {
        Ok(Ok(())) => {}
        Ok(Err(panic)) | Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Data directories of the nodes that this process started.
static DIRECTORIES: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

async fn bring_up_loopback() {
    let (connection, handle, _) = rtnetlink::new_connection().expect("netlink");
    tokio::spawn(connection);
    let message = rtnetlink::LinkUnspec::new_with_index(1).up().build();
    handle
        .link()
        .set(message)
        .execute()
        .await
        .expect("lo comes up");
}

/// Refuses: the tests ask the node itself.
struct NoAccess;

impl PodAccess for NoAccess {
    fn logs<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a str,
        _: tidegate_apiserver::LogOptions,
    ) -> BoxFuture<'a, Result<LogStream, PodAccessError>> {
        Box::pin(async { Err(PodAccessError::NotReady("not asked here".to_owned())) })
    }

    fn exec<'a>(
        &'a self,
        _: &'a str,
        _: &'a str,
        _: &'a str,
        _: tidegate_apiserver::ExecRequest,
    ) -> BoxFuture<'a, Result<tidegate_apiserver::ExecProcess, PodAccessError>> {
        Box::pin(async { Err(PodAccessError::NotReady("not asked here".to_owned())) })
    }
}

/// An API server and a node that runs pods.
pub(crate) struct Machine {
    pub(crate) client: Client,
    pub(crate) node: Arc<Node>,
    pub(crate) config: NodeConfig,
    server: Server,
    running: tokio::task::JoinHandle<()>,
    shutdown: Option<tokio::sync::oneshot::Sender<()>>,
    _directory: Option<tempfile::TempDir>,
}

pub(crate) fn config(data_dir: &Path) -> NodeConfig {
    let program = env!("CARGO_BIN_EXE_tidegate-node-test-program");
    let mut config = NodeConfig::new("machine", data_dir, program);
    config.back_off = BackOffSettings {
        initial: Duration::from_millis(200),
        longest: Duration::from_secs(1),
        reset_after: Duration::from_secs(600),
    };
    config
}

impl Machine {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let config = config(directory.path());
        Self {
            _directory: Some(directory),
            ..Self::start_with(config).await
        }
    }

    pub(crate) async fn start_with(config: NodeConfig) -> Self {
        let directory = config.data_dir.clone();
        DIRECTORIES.lock().expect("not poisoned").push(directory);
        let prepared = PreparedNode::prepare(config.clone())
            .await
            .expect("prepared");
        let gateway = prepared.gateways()[0];
        let mut api = Config::new(&config.data_dir, (gateway, 6443).into());
        api.listen = ([127, 0, 0, 1], 0).into();
        api.extra_listen = vec![(gateway, 6443).into()];
        let store = open_store(&config.data_dir).await;
        let server = Server::start(api, Arc::new(store), Arc::new(NoAccess))
            .await
            .expect("a server");
        let client = server.client();
        let node = Arc::new(prepared.register(client.clone()).await.expect("registered"));
        let (shutdown, stopped) = tokio::sync::oneshot::channel();
        let running = {
            let node = Arc::clone(&node);
            tokio::spawn(async move {
                node.run(async {
                    stopped.await.ok();
                })
                .await;
            })
        };
        Self {
            client,
            node,
            config,
            server,
            running,
            shutdown: Some(shutdown),
            _directory: None,
        }
    }

    /// Stops the node and the server, and checks that all went well.
    pub(crate) async fn stop(mut self) -> CleanupReport {
        drop(self.shutdown.take());
        self.running.await.expect("no panic");
        let node = Arc::into_inner(self.node).expect("nobody else has the node");
        let report = node.stop().await;
        self.server.shutdown().await;
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), "default")
    }

    pub(crate) async fn create(&self, name: &str, spec: serde_json::Value) -> Pod {
        let pod = serde_json::json!({
            "metadata": {"name": name, "namespace": "default", "labels": {"app": name}},
            "spec": spec,
        });
        let pod: Pod = serde_json::from_value(pod).expect("a pod");
        self.pods()
            .create(&PostParams::default(), &pod)
            .await
            .expect("created")
    }

    /// Waits until the pod is as `wanted` says, and returns it.
    pub(crate) async fn pod_when(&self, name: &str, wanted: impl Fn(&Pod) -> bool) -> Pod {
        let start = Instant::now();
        loop {
            let pod = self.pods().get_opt(name).await.expect("readable");
            if let Some(pod) = &pod
                && wanted(pod)
            {
                return pod.clone();
            }
            let status = pod.map(|pod| serde_json::to_string(&pod.status).unwrap_or_default());
            assert!(
                start.elapsed() < GENEROUS,
                "{name} stays like this: {status:?}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn delete(&self, name: &str, grace: Option<u32>) {
        let params = DeleteParams {
            grace_period_seconds: grace,
            ..DeleteParams::default()
        };
        self.pods().delete(name, &params).await.expect("deleted");
    }

    pub(crate) async fn wait_until_gone(&self, name: &str) {
        let start = Instant::now();
        while self.pods().get_opt(name).await.expect("readable").is_some() {
            assert!(start.elapsed() < GENEROUS, "{name} stays");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The whole log of a container named `main`.
    pub(crate) async fn log(&self, pod: &str, options: LogOptions) -> Result<String, String> {
        let stream = self
            .node
            .logs("default", pod, "main", options)
            .map_err(|e| e.to_string())?;
        let chunks: Vec<_> = stream.map(|chunk| chunk.expect("readable")).collect().await;
        Ok(String::from_utf8(chunks.concat()).expect("text"))
    }

    /// Waits for an event about `pod` with this reason and this text in its message.
    pub(crate) async fn event(&self, pod: &str, reason: &str, text: &str) -> Event {
        let events: Api<Event> = Api::namespaced(self.client.clone(), "default");
        let start = Instant::now();
        loop {
            let all = events.list(&ListParams::default()).await.expect("readable");
            let found = all.items.into_iter().find(|event| {
                event.involved_object.name.as_deref() == Some(pod)
                    && event.reason.as_deref() == Some(reason)
                    && event
                        .message
                        .as_deref()
                        .is_some_and(|message| message.contains(text))
            });
            if let Some(event) = found {
                return event;
            }
            assert!(
                start.elapsed() < GENEROUS,
                "no event {reason} about {pod} that says {text:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The tasks of a former server in this process may still be letting go of the store.
async fn open_store(directory: &Path) -> RedbStore {
    let begin = Instant::now();
    loop {
        match RedbStore::open(directory) {
            Ok(store) => return store,
            Err(error) => assert!(begin.elapsed() < GENEROUS, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// One container called `main`.
pub(crate) fn main_container(mut container: serde_json::Value) -> serde_json::Value {
    container["name"] = "main".into();
    serde_json::json!({"containers": [container]})
}

/// A container that runs a shell script.
pub(crate) fn shell(script: &str) -> serde_json::Value {
    serde_json::json!({"image": "any", "command": ["bash", "-c", script]})
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready") == Some("True".to_owned())
}

pub(crate) fn condition(pod: &Pod, kind: &str) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == kind)?;
    Some(found.status.clone())
}

pub(crate) fn phase(pod: &Pod) -> String {
    pod.status
        .as_ref()
        .and_then(|status| status.phase.clone())
        .unwrap_or_default()
}

/// Reason and message of the first container's waiting.
pub(crate) fn waiting(pod: &Pod) -> Option<(String, String)> {
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    let waiting = status.state.as_ref()?.waiting.as_ref()?;
    Some((
        waiting.reason.clone()?,
        waiting.message.clone().unwrap_or_default(),
    ))
}

pub(crate) fn restarts(pod: &Pod) -> i32 {
    let statuses = pod
        .status
        .as_ref()
        .and_then(|status| status.container_statuses.clone());
    statuses
        .unwrap_or_default()
        .first()
        .map_or(0, |status| status.restart_count)
}

pub(crate) fn address(pod: &Pod) -> std::net::IpAddr {
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
    ip.unwrap_or_else(|| panic!("{} has no address", pod.name_any()))
        .parse()
        .expect("an address")
}

/// The body of the answer to a GET request, in text.
pub(crate) async fn get(
    address: impl Into<std::net::SocketAddr>,
    path: &str,
) -> std::io::Result<String> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address.into()).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default())
}

/// Names of the network devices in this thread's namespace.
pub(crate) fn devices() -> Vec<String> {
    let text = std::fs::read_to_string("/proc/thread-self/net/dev").expect("readable");
    let names = text
        .lines()
        .skip(2)
        .filter_map(|line| line.split(':').next());
    names.map(|name| name.trim().to_owned()).collect()
}
