//! A cluster without an API, and a server for it on a port of its own.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tidegate_dns::{BindError, Server, ServerHandle, Setup, StartError};
use tidegate_dns_config::{DnsConfig, NoEnv, NoImports, parse_corefile};
use tidegate_model::{EndpointSlice, Service};
use tidegate_watch::{ClusterWatch, Feed};
use tokio_util::sync::CancellationToken;

pub(crate) struct Cluster {
    pub(crate) feed: Feed,
    pub(crate) address: SocketAddr,
    pub(crate) server: ServerHandle,
    shutdown: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

/// The reverse names that the tests' servers answer for.
pub(crate) const REVERSE: &str = "10.96.0.0/16 in-addr.arpa ip6.arpa";

/// What a Corefile says, with a port that the kernel chooses.
pub(crate) fn parsed(text: &str) -> DnsConfig {
    let parsed = parse_corefile(text, "Corefile", &NoImports, &NoEnv);
    let mut config = parsed.unwrap_or_else(|error| panic!("{error}")).config;
    config.udp_sockets = Some(2);
    config.tcp.idle_timeout = Duration::from_secs(3);
    config
}

/// A server for `cluster.local` that asks others about everything else.
pub(crate) fn config(upstreams: Vec<SocketAddr>) -> DnsConfig {
    config_of("cluster.local", &upstreams)
}

pub(crate) fn config_of(domain: &str, upstreams: &[SocketAddr]) -> DnsConfig {
    let addresses: Vec<String> = upstreams.iter().map(SocketAddr::to_string).collect();
    let forward = match addresses.is_empty() {
        true => String::new(),
        false => format!("forward . {}", addresses.join(" ")),
    };
    parsed(&format!(
        ".:0 {{
            kubernetes {domain} {REVERSE} {{
                fallthrough in-addr.arpa ip6.arpa
            }}
            loadbalance
            {forward}
        }}"
    ))
}

pub(crate) fn setup() -> Setup {
    Setup {
        addresses: vec!["127.0.0.1".parse().expect("an address")],
        ..Setup::default()
    }
}

/// Binds again if somebody else has the TCP port that the kernel chose for UDP.
pub(crate) fn bind(config: &DnsConfig, setup: &Setup) -> Server {
    loop {
        match Server::bind(config, setup.clone()) {
            Ok(server) => return server,
            Err(StartError::Bind(BindError::Taken {
                transport: "UDP", ..
            })) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

impl Cluster {
    /// Starts a server whose cluster holds nothing yet and isn't synced.
    pub(crate) fn start(config: &DnsConfig) -> Self {
        Self::serve(bind(config, &setup()))
    }

    /// Starts a server that can be told its own address beforehand.
    pub(crate) fn start_at_known_address(mut config: impl FnMut(SocketAddr) -> DnsConfig) -> Self {
        loop {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = free.local_addr().expect("an address");
            drop(free);
            let mut config = config(address);
            config.servers[0].zones[0].port = address.port();
            match Server::bind(&config, setup()) {
                Ok(server) => return Self::serve(server),
                // Somebody else was faster.
                Err(StartError::Bind(BindError::Taken { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    pub(crate) fn serve(server: Server) -> Self {
        let address = server.addresses()[0];
        let handle = server.handle();
        let shutdown = CancellationToken::new();
        let (watch, feed) = ClusterWatch::detached();
        let stop = shutdown.clone();
        let running = tokio::spawn(async move {
            server.run(&watch, stop).await.expect("served");
        });
        Self {
            feed,
            address,
            server: handle,
            shutdown,
            running,
        }
    }

    /// What all samples of a metric add up to, of which the labels have this part.
    pub(crate) fn metric(&self, name: &str, part: &str) -> f64 {
        let page = self.server.metrics();
        let of_metric = |line: &&str| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && line.contains(part)
        };
        let values = page.lines().filter(of_metric).map(|line| {
            let value = line.rsplit(' ').next().expect("a value");
            value.parse::<f64>().expect("a number")
        });
        values.sum()
    }

    /// A server for a cluster that is synced and has the Service `web`.
    pub(crate) async fn with_web(upstreams: Vec<SocketAddr>) -> Self {
        let cluster = Self::start(&config(upstreams));
        cluster.feed.add_namespace("default");
        cluster.set_service(
            "web",
            json!({"clusterIP": "10.96.0.7", "ports": [{"name": "http", "port": 80}]}),
        );
        cluster.feed.synced();
        cluster
            .until("web.default.svc.cluster.local A", "10.96.0.7")
            .await;
        cluster
    }

    pub(crate) fn set_service(&self, name: &str, spec: Value) {
        let object = json!({"metadata": {"namespace": "default", "name": name}, "spec": spec});
        let object = serde_json::from_value(object).expect("a Service");
        self.feed
            .set_service(Service::from_api(&object).expect("a name"));
    }

    /// Gives a Service these ready addresses and nothing else.
    pub(crate) fn set_endpoints(&self, service: &str, addresses: &[String]) {
        let endpoints: Vec<Value> = addresses
            .iter()
            .map(|address| json!({"addresses": [address]}))
            .collect();
        let object = json!({
            "metadata": {"namespace": "default", "name": service, "labels": {"kubernetes.io/service-name": service}},
            "addressType": "IPv4", "ports": [{"name": "http", "port": 80}], "endpoints": endpoints
        });
        let object = serde_json::from_value(object).expect("a slice");
        self.feed
            .set_slice(EndpointSlice::from_api(&object).expect("a slice of a Service"));
    }

    /// What `dig` prints for these arguments.
    pub(crate) async fn dig(&self, arguments: &str) -> String {
        let mut command = Command::new("dig");
        command
            .arg("@127.0.0.1")
            .args(["-p", &self.address.port().to_string()]);
        command
            .args(["+tries=1", "+timeout=10"])
            .args(arguments.split(' '));
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .expect("joined")
            .expect("dig is installed (Debian: bind9-dnsutils)");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Asks until the answer is there.
    pub(crate) async fn until(&self, question: &str, expected: &str) {
        let mut answer = String::new();
        for _ in 0..100 {
            answer = self.dig(&format!("+short {question}")).await;
            if answer.trim() == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{question}: {answer:?} instead of {expected:?}");
    }

    /// Waits until the server knows its cluster, and answers everywhere.
    pub(crate) async fn synced(&self) {
        while !self.server.unready().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the server in an orderly way.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.expect("ended without a panic");
    }
}
