//! Which servers are asked: what the host's file says, and never ourselves.

use std::net::SocketAddr;
use std::time::Duration;

use crate::forward::upstreams::UpstreamList;
use crate::forward::{OwnAddresses, Upstreams};

async fn addresses(list: &UpstreamList) -> Vec<String> {
    let upstreams = list.in_order().await;
    upstreams
        .iter()
        .map(|upstream| upstream.address.to_string())
        .collect()
}

fn own(listening: &[&str], advertised: &[&str]) -> OwnAddresses {
    OwnAddresses {
        listening: listening
            .iter()
            .map(|text| text.parse().expect("an address"))
            .collect(),
        advertised: advertised
            .iter()
            .map(|text| text.parse().expect("an address"))
            .collect(),
    }
}

fn fixed(upstreams: &[&str], own: OwnAddresses) -> UpstreamList {
    let upstreams: Vec<SocketAddr> = upstreams
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect();
    UpstreamList::new(Upstreams::Fixed(upstreams), own)
}

#[tokio::test]
async fn the_file_is_read_again_when_it_changes() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("resolv.conf");
    let list = UpstreamList::new(Upstreams::ResolvConf(path.clone()), OwnAddresses::default());
    assert!(addresses(&list).await.is_empty(), "no file yet");
    for server in ["192.0.2.1", "192.0.2.2"] {
        std::fs::write(&path, format!("nameserver {server}\n")).expect("written");
        let expected = [format!("{server}:53")];
        let mut tries = 0;
        while addresses(&list).await != expected {
            tries += 1;
            assert!(tries < 100, "the change to {server} was never seen");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    std::fs::remove_file(&path).expect("removed");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        addresses(&list).await,
        ["192.0.2.2:53"],
        "the last list stays"
    );
}

#[tokio::test]
async fn the_server_never_asks_itself() {
    let own = own(&["127.0.0.1:53", "[::1]:5353"], &["10.96.0.10"]);
    let upstreams = [
        "127.0.0.1:53",
        "127.0.0.1:5300",
        "10.96.0.10:53",
        "10.96.0.10:5353",
        "[::ffff:127.0.0.1]:53",
        "[::1]:5353",
        "192.0.2.1:53",
    ];
    let list = fixed(&upstreams, own);
    assert_eq!(addresses(&list).await, ["127.0.0.1:5300", "192.0.2.1:53"]);
}

#[tokio::test]
async fn a_server_on_every_address_of_the_host_asks_none_of_them() {
    let list = fixed(
        &[
            "127.0.0.1:53",
            "127.3.2.1:53",
            "127.0.0.1:54",
            "192.0.2.1:53",
        ],
        own(&["0.0.0.0:53"], &[]),
    );
    assert_eq!(addresses(&list).await, ["127.0.0.1:54", "192.0.2.1:53"]);
}
