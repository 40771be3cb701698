//! Taking addresses, and packets that are none.

use std::net::{SocketAddr, UdpSocket};

use tidegate_dns::{BindError, Server};

use crate::cluster::{Cluster, bind, config};

#[test]
fn an_address_that_is_taken_is_named() {
    let holder = bind(&config(vec![]));
    let mut second = config(vec![]);
    second.addresses = holder.addresses().to_vec();
    let error = Server::bind(second).expect_err("taken");
    let address = holder.addresses()[0];
    assert!(matches!(
        error,
        BindError::Taken {
            transport: "TCP",
            ..
        }
    ));
    let text = error.to_string();
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(
        text.contains(&format!("sport = :{}", address.port())),
        "{text}"
    );
}

#[test]
fn a_server_that_has_udp_alone_is_noticed() {
    let holder = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut second = config(vec![]);
    second.addresses = vec![holder.local_addr().expect("an address")];
    let error = Server::bind(second).expect_err("taken");
    assert!(matches!(error, BindError::Taken { .. }), "{error}");
}

#[test]
fn an_address_of_no_interface_is_named() {
    let mut nowhere = config(vec![]);
    nowhere.addresses = vec!["192.0.2.1:53".parse().expect("an address")];
    let error = Server::bind(nowhere).expect_err("not here");
    assert!(
        error.to_string().starts_with("192.0.2.1:53 can't be used"),
        "{error}"
    );
}

#[test]
fn a_server_without_an_address_is_no_server() {
    let mut none = config(vec![]);
    none.addresses.clear();
    assert!(matches!(Server::bind(none), Err(BindError::NoAddress)));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_are_served() {
    let mut both = config(vec![]);
    both.addresses.push("[::1]:0".parse().expect("an address"));
    let server = bind(&both);
    let addresses: Vec<SocketAddr> = server.addresses().to_vec();
    assert!(addresses[0].is_ipv4() && addresses[1].is_ipv6());
    assert!(addresses.iter().all(|address| address.port() != 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_over_udp_leaves_the_server_up() {
    let cluster = Cluster::with_web(vec![]).await;
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(cluster.address).expect("connected");
    for length in [0, 1, 11, 12, 13, 500, 5000, 60_000] {
        for byte in [0x00, 0x0c, 0xc0, 0x7f, 0xff] {
            socket.send(&vec![byte; length]).expect("sent");
        }
    }
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    cluster.stop().await;
}
