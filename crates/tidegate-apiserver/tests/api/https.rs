//! Over the wire: certificates, identities, ports.

use std::{os::unix::fs::PermissionsExt, sync::Arc};

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use tempfile::TempDir;
use tidegate_apiserver::{Server, StartError};
use tidegate_store::RedbStore;
use tokio::net::TcpListener;

use crate::support::{Cluster, NoPods, config, start};

async fn from_kubeconfig(cluster: &Cluster) -> Config {
    let kubeconfig = Kubeconfig::read_from(cluster.server.kubeconfig_path()).unwrap();
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_kubeconfig_lets_its_holder_in() {
    let cluster = start().await;
    let client = Client::try_from(from_kubeconfig(&cluster).await).unwrap();
    let version = client.apiserver_version().await.unwrap();
    assert_eq!(
        (version.major.as_str(), version.minor.as_str()),
        ("1", "36")
    );
    let groups = client.list_api_groups().await.unwrap();
    assert!(groups.groups.iter().any(|group| group.name == "apps"));
}

#[tokio::test]
async fn strangers_see_health_and_nothing_else() {
    let cluster = start().await;
    let mut config = from_kubeconfig(&cluster).await;
    config.auth_info = Default::default();
    let client = Client::try_from(config).unwrap();
    let get = async |path: &str| {
        let request = http::Request::get(path)
            .body(kube::client::Body::empty())
            .unwrap();
        client.send(request).await.unwrap().status().as_u16()
    };
    for path in ["/healthz", "/livez", "/readyz", "/version"] {
        assert_eq!(get(path).await, 200, "{path}");
    }
    for path in ["/api", "/apis", "/api/v1/namespaces", "/openapi/v3"] {
        assert_eq!(get(path).await, 401, "{path}");
    }
}

#[tokio::test]
async fn secrets_on_disk_are_for_their_owner_only() {
    let cluster = start().await;
    let mode = |path: &str| {
        let path = cluster.data.path().join(path);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("pki"), 0o700);
    for file in [
        "admin.kubeconfig",
        "pki/ca.key",
        "pki/server.key",
        "pki/admin.key",
    ] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[tokio::test]
async fn certificates_last_until_the_addresses_change() {
    let data = TempDir::new().unwrap();
    let read = |file: &str| std::fs::read(data.path().join("pki").join(file)).unwrap();
    let run = async |listen: &str| {
        let store = Arc::new(RedbStore::open(data.path().join("store")).unwrap());
        let mut config = config(&data);
        config.listen = listen.parse().unwrap();
        Server::start(config, store, Arc::new(NoPods))
            .await
            .unwrap()
            .shutdown()
            .await;
        (read("ca.crt"), read("server.crt"), read("admin.crt"))
    };
    let first = run("127.0.0.1:0").await;
    assert_eq!(run("127.0.0.1:0").await, first);
    let (authority, server, admin) = run("127.0.0.2:0").await;
    assert_eq!((&authority, &admin), (&first.0, &first.2));
    assert_ne!(server, first.1);
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let store = Arc::new(RedbStore::open(elsewhere.path()).unwrap());
    let mut config = config(&data);
    config.listen.set_port(port);
    let error = Server::start(config, store, Arc::new(NoPods))
        .await
        .err()
        .unwrap();
    assert!(matches!(error, StartError::Listen { .. }));
    let text = error.to_string();
    assert!(
        text.contains(&port.to_string()) && text.contains("--listen"),
        "{text}"
    );
    assert_eq!(std::fs::read_dir(data.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn another_service_range_on_old_data_is_refused() {
    let data = TempDir::new().unwrap();
    let start = async |range: &str| {
        let store = Arc::new(RedbStore::open(data.path().join("store")).unwrap());
        let mut config = config(&data);
        config.service_cidrs = vec![range.parse().unwrap()];
        let server = Server::start(config, store, Arc::new(NoPods)).await?;
        server.shutdown().await;
        Ok::<(), StartError>(())
    };
    start("10.96.0.0/16").await.unwrap();
    let error = start("10.97.0.0/16").await.err().unwrap().to_string();
    assert!(
        error.contains("10.96.0.1") && error.contains("--service-cidr"),
        "{error}"
    );
    start("10.96.0.0/16").await.unwrap();
}

#[tokio::test]
async fn an_address_of_another_machine_is_refused_unless_it_may_come_later() {
    let data = TempDir::new().unwrap();
    let start = async |listen: &str, extra: &str| {
        let store = Arc::new(RedbStore::open(data.path().join("store")).unwrap());
        let mut config = config(&data);
        config.listen = listen.parse().unwrap();
        config.extra_listen = vec![extra.parse().unwrap()];
        Server::start(config, store, Arc::new(NoPods)).await
    };
    let error = start("192.0.2.7:0", "127.0.0.1:0").await.err().unwrap();
    assert!(error.to_string().contains("no such address"), "{error}");
    start("127.0.0.1:0", "192.0.2.7:0")
        .await
        .unwrap()
        .shutdown()
        .await;
}
