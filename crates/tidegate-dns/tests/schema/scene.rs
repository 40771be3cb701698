//! A cluster, and how its names are served.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_dns::{BindError, Server, Setup, StartError};
use tidegate_dns_config::{DnsConfig, NoEnv, NoImports, parse_corefile};
use tidegate_dns_wire::Transport;
use tidegate_watch::{ClusterWatch, Feed, PodKey};
use tidegate_zone::{EndpointLabels, PodNames, ReverseZone, ZoneSettings};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::objects::{self, Objects};
use crate::{ask, elsewhere, zone};

/// What the tables are asked of. Each way of saying how names are served says the same.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) objects: Objects,
    /// Whether everything has come from the API.
    pub(crate) is_synced: bool,
    /// What stands in the `kubernetes` of a Corefile, where the zone is `cluster.local`.
    pub(crate) options: &'static str,
    /// What else stands in its server block.
    pub(crate) more: &'static str,
    /// The same for the zone.
    pub(crate) settings: ZoneSettings,
    pub(crate) labels: EndpointLabels,
}

/// The address under which clients reach the server.
const VIRTUAL_ADDRESS: &str = "10.96.0.10";

impl Default for Scene {
    fn default() -> Self {
        Self {
            objects: objects::dual_stack(),
            is_synced: true,
            options: "",
            more: "",
            settings: settings(false),
            labels: EndpointLabels::Address,
        }
    }
}

/// CoreDNS's defaults, with both reverse trees.
pub(crate) fn settings(reverse_falls_through: bool) -> ZoneSettings {
    let reverse = ["0.0.0.0/0", "::/0"].map(|network| ReverseZone {
        network: network.parse().expect("a network"),
        fallthrough: reverse_falls_through,
    });
    ZoneSettings {
        reverse_zones: reverse.into(),
        name_servers: vec![zone::parsed(VIRTUAL_ADDRESS)],
        pod_names: PodNames::Disabled,
        ..ZoneSettings::default()
    }
}

/// A server that serves a scene until this is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    shutdown: CancellationToken,
    server: Option<tokio::task::JoinHandle<()>>,
    runtime: Runtime,
    _feed: Feed,
}

impl Scene {
    /// Starts a server, and another one for the names outside, and waits until it knows the cluster.
    pub(crate) fn serve(&self) -> Running {
        let runtime = Runtime::new().expect("a runtime");
        let other = runtime.block_on(elsewhere::serve());
        let entered = runtime.enter();
        let server = bind(&self.config(other));
        let address = server.addresses()[0];
        drop(entered);
        let (watch, feed) = ClusterWatch::detached();
        self.objects.tell(&feed);
        if self.is_synced {
            feed.pods_synced();
            feed.synced();
        }
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let server = runtime.spawn(async move {
            server.run(&watch, stop).await.expect("served");
        });
        let running = Running {
            address,
            shutdown,
            server: Some(server),
            runtime,
            _feed: feed,
        };
        running.wait_for_code(if self.is_synced { 0 } else { 2 });
        running
    }

    fn config(&self, other: SocketAddr) -> DnsConfig {
        let text = format!(
            ".:0 {{
                kubernetes cluster.local in-addr.arpa ip6.arpa {{
                    {}
                }}
                loadbalance
                {}
                forward . {other}
            }}",
            self.options, self.more
        );
        let parsed = parse_corefile(&text, "Corefile", &NoImports, &NoEnv);
        let mut config = parsed.unwrap_or_else(|error| panic!("{error}")).config;
        config.udp_sockets = Some(1);
        config
    }
}

impl Objects {
    fn tell(&self, feed: &Feed) {
        for namespace in &self.namespaces {
            feed.add_namespace(namespace);
        }
        zone::services(self).for_each(|service| feed.set_service(service));
        zone::slices(self).for_each(|slice| feed.set_slice(slice));
        for (namespace, name, address) in &self.pods {
            let key = PodKey {
                namespace: (*namespace).to_owned(),
                name: (*name).to_owned(),
            };
            feed.set_pod(key, vec![zone::parsed(address)]);
        }
    }
}

/// Binds again if somebody else has the TCP port that the kernel chose for UDP.
fn bind(config: &DnsConfig) -> Server {
    let setup = Setup {
        addresses: vec![zone::parsed("127.0.0.1")],
        advertised: vec![zone::parsed(VIRTUAL_ADDRESS)],
        ..Setup::default()
    };
    loop {
        match Server::bind(config, setup.clone()) {
            Ok(server) => return server,
            Err(StartError::Bind(BindError::Taken { .. })) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

impl Running {
    /// Asks for the cluster's domain until the answer has this code.
    fn wait_for_code(&self, code: u8) {
        let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        question.extend(b"\x07cluster\x05local\0\0\x06\0\x01");
        let began = Instant::now();
        while ask::ask(self.address, &question, Transport::Tcp)[3] & 0x0f != code {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "the server never was ready"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
        if let Some(server) = self.server.take() {
            let ended = self.runtime.block_on(server);
            assert!(
                ended.is_ok() || thread::panicking(),
                "it ended without a panic"
            );
        }
    }
}
