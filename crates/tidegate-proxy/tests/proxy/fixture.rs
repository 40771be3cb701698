//! A running proxy, and Services in a line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_dataplane::{Dataplane, DataplaneError, MemoryDataplane};
use tidegate_model::{EndpointSlice, IpFamily, Service, ServiceKey};
use tidegate_plan::PlanKey;
use tidegate_proxy::{
    ModeFactory, OpenedMode, Pages, Proxy, ProxyConfig, ProxyError, ProxyHandle, Servers,
    ServersConfig, Status,
};
use tidegate_watch::{ClusterWatch, Feed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take on any machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Running<C> {
    pub(crate) watch: ClusterWatch,
    pub(crate) feed: Feed,
    pub(crate) handle: ProxyHandle<C>,
    pub(crate) status: watch::Receiver<Status>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), ProxyError>>,
}

/// Modes in memory by name. What isn't here is missing on this machine.
#[derive(Clone, Default)]
pub(crate) struct Modes(pub(crate) BTreeMap<&'static str, MemoryDataplane>);

impl Modes {
    pub(crate) fn of(names: &[&'static str]) -> Self {
        Self(
            names
                .iter()
                .map(|name| (*name, MemoryDataplane::named(name)))
                .collect(),
        )
    }

    pub(crate) fn kernel(&self, name: &str) -> &MemoryDataplane {
        &self.0[name]
    }
}

impl ModeFactory for Modes {
    /// A name, and options that nobody reads.
    type Choice = (&'static str, u8);

    fn open(&self, (name, _): &Self::Choice) -> Result<OpenedMode, DataplaneError> {
        let kernel = self.0.get(name).ok_or_else(|| DataplaneError::Missing {
            mode: "odd",
            missing: "the module odd".to_owned(),
            remedy: "modprobe odd".to_owned(),
        })?;
        Ok(OpenedMode {
            dataplane: Box::new(kernel.clone()),
            reason: format!("{name} was asked for"),
        })
    }

    fn others(&self, serving: &'static str) -> Vec<Box<dyn Dataplane>> {
        let others = self.0.iter().filter(|(name, _)| **name != serving);
        others
            .map(|(_, kernel)| Box::new(kernel.clone()) as Box<dyn Dataplane>)
            .collect()
    }
}

/// Starts a proxy in one mode for good.
pub(crate) fn start(config: ProxyConfig, kernel: &MemoryDataplane) -> Running<()> {
    let (watch, feed) = ClusterWatch::detached();
    let proxy = Proxy::new(config, watch.subscribe(), Box::new(kernel.clone()));
    run(watch, feed, proxy)
}

/// Starts a proxy that can change its mode.
pub(crate) fn start_with(
    config: ProxyConfig,
    first: &'static str,
    modes: &Modes,
) -> Running<(&'static str, u8)> {
    let (watch, feed) = ClusterWatch::detached();
    let proxy = Proxy::open(config, (first, 0), modes.clone(), watch.subscribe());
    run(watch, feed, proxy.expect("the first mode opens"))
}

pub(crate) fn run<F>(watch: ClusterWatch, feed: Feed, proxy: Proxy<F>) -> Running<F::Choice>
where
    F: ModeFactory + 'static,
{
    let (handle, status) = (proxy.handle(), proxy.status());
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let task = tokio::spawn(async move { proxy.run(stop).await });
    Running {
        watch,
        feed,
        handle,
        status,
        shutdown,
        task,
    }
}

impl Running<(&'static str, u8)> {
    /// Asks for another mode.
    pub(crate) fn switch_to(&self, mode: &'static str) {
        self.handle.reconfigure(ProxyConfig::default(), (mode, 0));
    }
}

impl<C> Running<C> {
    /// Waits for a state; a proxy that never gets there fails the test with what it was last.
    pub(crate) async fn until(&mut self, reached: impl Fn(&Status) -> bool) -> Status {
        let mut last = self.status.clone();
        let wait = self.status.wait_for(|status| reached(status));
        match tokio::time::timeout(DEADLINE, wait).await {
            Ok(status) => status.expect("the proxy runs").clone(),
            Err(_) => panic!("never reached; last {:?}", *last.borrow_and_update()),
        }
    }

    /// One Service `web` in force.
    pub(crate) async fn serving_web(mut self) -> Self {
        self.feed.set_service(service("web", 1));
        self.feed.synced();
        self.until(|status| status.programmed).await;
        self
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.expect("ends").expect("removes its program");
    }

    /// Health and metrics servers on loopback.
    pub(crate) fn servers(&self) -> (Servers, SocketAddr, SocketAddr) {
        let anywhere = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let config = ServersConfig {
            health: anywhere,
            metrics: anywhere,
            ..ServersConfig::default()
        };
        let servers = Servers::start(&config, &self.handle.view(), &pages());
        let servers = servers.expect("loopback is free");
        let health = servers.health.expect("is bound");
        let metrics = servers.metrics.expect("is bound");
        (servers, health, metrics)
    }
}

pub(crate) fn pages() -> Pages {
    Pages {
        configuration: std::sync::Arc::new(|| json!({"mode": "memory"})),
        flags: std::sync::Arc::new(|| vec![("config".to_owned(), "/etc/proxy.conf".to_owned())]),
        version: "1.2.3".to_owned(),
    }
}

/// A port on loopback of this test alone: out of the range that the kernel gives out, so that
/// nobody gets it by chance while the test leaves it free.
pub(crate) fn own_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id() * 4 + TAKEN.fetch_add(1, Ordering::Relaxed);
    u16::try_from(20_000 + number % 12_000).expect("is below the kernel's range")
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    pub(crate) fn has_header(&self, line: &str) -> bool {
        self.head
            .to_lowercase()
            .lines()
            .any(|header| header == line)
    }
}

/// One request; `None` if nobody listens.
pub(crate) async fn get(server: SocketAddr, path: &str) -> Option<Answer> {
    ask(server, "GET", path).await
}

/// One request of any kind.
pub(crate) async fn ask(server: SocketAddr, method: &str, path: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(server).await.ok()?;
    let request = format!("{method} {path} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    tokio::time::timeout(DEADLINE, read)
        .await
        .expect("answers in time")
        .ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    Some(Answer {
        status: head.split(' ').nth(1)?.parse().ok()?,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

/// Asks until the answer is as wanted.
pub(crate) async fn get_until(
    server: SocketAddr,
    path: &str,
    wanted: impl Fn(Option<&Answer>) -> bool,
) -> Option<Answer> {
    let mut last = None;
    for _ in 0..DEADLINE.as_millis() / 20 {
        last = get(server, path).await;
        if wanted(last.as_ref()) {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never answered as wanted; last {last:?}");
}

/// Waits for something that no status tells.
pub(crate) async fn eventually(what: &str, reached: impl Fn() -> bool) {
    for _ in 0..DEADLINE.as_millis() / 5 {
        if reached() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}

pub(crate) fn service(name: &str, last: u8) -> Service {
    service_of(
        name,
        json!({"clusterIPs": [format!("10.96.0.{last}")], "ports": [{"port": 80}]}),
    )
}

pub(crate) fn service_of(name: &str, spec: Value) -> Service {
    let object = json!({"metadata": {"namespace": "default", "name": name}, "spec": spec});
    Service::from_api(&serde_json::from_value(object).expect("a Service")).expect("has a name")
}

pub(crate) fn slice(service: &str, address: &str) -> EndpointSlice {
    slice_of(service, json!([{"addresses": [address]}]))
}

pub(crate) fn slice_of(service: &str, endpoints: Value) -> EndpointSlice {
    let object = json!({"metadata": {"namespace": "default", "name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": 9376}], "endpoints": endpoints});
    EndpointSlice::from_api(&serde_json::from_value(object).expect("a slice"))
        .expect("names a Service")
}

pub(crate) fn key(name: &str) -> PlanKey {
    PlanKey {
        service: ServiceKey::new("default", name),
        family: IpFamily::V4,
    }
}

/// The addresses that a Service's connections go to.
pub(crate) fn backends(kernel: &MemoryDataplane, name: &str) -> Vec<String> {
    let plan = kernel.service(&key(name));
    let ports = plan.iter().flat_map(|plan| &plan.ports);
    let backends = ports.flat_map(|port| &port.cluster_backends);
    backends
        .map(|backend| backend.addr.ip.to_string())
        .collect()
}
