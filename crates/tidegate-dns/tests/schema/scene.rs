//! A cluster, and how its names are served.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use tidegate_dns::{BindError, Server, Setup, StartError};
use tidegate_dns_config::{DnsConfig, NoEnv, NoImports, parse_corefile};
use tidegate_dns_schema::{Objects, Table, code_of_zone, serve_names_elsewhere};
use tidegate_watch::{ClusterWatch, Feed, PodKey};
use tidegate_zone::{EndpointLabels, PodNames, ReverseZone, ZoneSettings};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::zone;

/// What a table is asked of.
#[derive(Clone)]
pub(crate) struct Scene {
    /// The cluster, and how names are served as a Corefile says it.
    pub(crate) table: Table,
    /// What else stands in the Corefile's server block.
    pub(crate) more: &'static str,
    /// How names are served, as the zone is told.
    pub(crate) settings: ZoneSettings,
    pub(crate) labels: EndpointLabels,
}

impl Scene {
    /// The scene of a table whose names are served by default.
    pub(crate) fn of(table: Table) -> Self {
        Self {
            table,
            more: "",
            settings: settings(table, false),
            labels: EndpointLabels::Address,
        }
    }
}

/// CoreDNS's defaults, with both reverse trees.
pub(crate) fn settings(table: Table, reverse_falls_through: bool) -> ZoneSettings {
    let reverse = ["0.0.0.0/0", "::/0"].map(|network| ReverseZone {
        network: network.parse().expect("a network"),
        fallthrough: reverse_falls_through,
    });
    ZoneSettings {
        reverse_zones: reverse.into(),
        name_servers: vec![table.cluster.dns_address()],
        ttl: table.ttl,
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
        let other = runtime.block_on(serve_names_elsewhere());
        let entered = runtime.enter();
        let server = self.bind(&self.config(other));
        let address = server.addresses()[0];
        drop(entered);
        let (watch, feed) = ClusterWatch::detached();
        tell(&self.table.cluster.objects(), &feed);
        if self.table.is_synced {
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
        running.wait_for_code(if self.table.is_synced { 0 } else { 2 });
        running
    }

    fn config(&self, other: SocketAddr) -> DnsConfig {
        let text = self.table.corefile(0, other, self.more);
        let parsed = parse_corefile(&text, "Corefile", &NoImports, &NoEnv);
        let mut config = parsed.unwrap_or_else(|error| panic!("{error}")).config;
        config.udp_sockets = Some(1);
        config
    }

    /// Binds again if somebody else has the TCP port that the kernel chose for UDP.
    fn bind(&self, config: &DnsConfig) -> Server {
        let setup = Setup {
            addresses: vec![zone::parsed("127.0.0.1")],
            advertised: vec![self.table.cluster.dns_address()],
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
}

fn tell(objects: &Objects, feed: &Feed) {
    for namespace in &objects.namespaces {
        feed.add_namespace(namespace);
    }
    zone::services(objects).for_each(|service| feed.set_service(service));
    zone::slices(objects).for_each(|slice| feed.set_slice(slice));
    for (namespace, name, address) in &objects.pods {
        let key = PodKey {
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
        };
        feed.set_pod(key, vec![zone::parsed(address)]);
    }
}

impl Running {
    /// Asks for the cluster's domain until the answer has this code.
    fn wait_for_code(&self, code: u8) {
        let began = Instant::now();
        while code_of_zone(self.address).expect("a reply") != code {
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
