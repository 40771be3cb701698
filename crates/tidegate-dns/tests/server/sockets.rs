//! Taking addresses, and packets that are none.

use std::net::{SocketAddr, UdpSocket};

use tidegate_dns::{BindError, Server, Setup, StartError};

use crate::cluster::{Cluster, bind, config, setup};

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let holder = bind(&config(vec![]), &setup());
    let mut second = config(vec![]);
    let address = holder.addresses()[0];
    second.servers[0].zones[0].port = address.port();
    let error = Server::bind(&second, setup()).expect_err("taken");
    assert!(matches!(
        error,
        StartError::Bind(BindError::Taken {
            transport: "TCP",
            ..
        })
    ));
    let text = error.to_string();
    assert!(text.contains(&address.to_string()), "{text}");
    assert!(
        text.contains(&format!("sport = :{}", address.port())),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_that_has_udp_alone_is_noticed() {
    let holder = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut second = config(vec![]);
    second.servers[0].zones[0].port = holder.local_addr().expect("an address").port();
    let error = Server::bind(&second, setup()).expect_err("taken");
    assert!(
        matches!(error, StartError::Bind(BindError::Taken { .. })),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_of_no_interface_is_named() {
    let nowhere = Setup {
        addresses: vec!["192.0.2.1".parse().expect("an address")],
        ..setup()
    };
    let error = Server::bind(&config(vec![]), nowhere).expect_err("not here");
    assert!(
        error.to_string().starts_with("192.0.2.1:0 can't be used"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_are_served() {
    let both = Setup {
        addresses: ["127.0.0.1", "::1"]
            .map(|ip| ip.parse().expect("an address"))
            .into(),
        ..setup()
    };
    let server = bind(&config(vec![]), &both);
    let addresses: Vec<SocketAddr> = server.addresses();
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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_every_address_answers_from_the_one_that_was_asked() {
    let everywhere = Setup::default();
    let cluster = Cluster::serve(bind(&config(vec![]), &everywhere));
    cluster.feed.synced();
    let port = cluster.address.port();
    for (own, other) in [("127.0.0.1", "127.0.0.77"), ("127.0.0.1", "127.0.0.1")] {
        let socket = UdpSocket::bind((own, 0)).expect("a port");
        // A connected socket takes a reply from this address alone.
        socket.connect((other, port)).expect("connected");
        let patience = std::time::Duration::from_secs(10);
        socket.set_read_timeout(Some(patience)).expect("set");
        for id in 0..40_u8 {
            let query = [id, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'x', 0, 0, 1, 0, 1];
            socket.send(&query).expect("sent");
        }
        let mut seen = std::collections::BTreeSet::new();
        while seen.len() < 40 {
            let mut reply = [0; 512];
            let length = socket.recv(&mut reply).expect("a reply from there");
            assert!(length >= 12);
            seen.insert(reply[0]);
        }
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_asks_too_much_gets_less_over_udp_and_everything_over_tcp() {
    let mut limited = config(vec![]);
    limited.servers[0].rate_limit = Some(tidegate_dns_config::RateLimit {
        responses_per_second: 5,
        window: std::time::Duration::from_secs(1),
        slip: 2,
        ..Default::default()
    });
    let cluster = Cluster::start(&limited);
    cluster.feed.synced();
    cluster.synced().await;
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.connect(cluster.address).expect("connected");
    let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x07cluster\x05local\0\0\x06\0\x01");
    for id in 0..200_u8 {
        query[1] = id;
        socket.send(&query).expect("sent");
    }
    // Whatever comes within a second after the last one.
    let patience = std::time::Duration::from_secs(1);
    socket.set_read_timeout(Some(patience)).expect("set");
    let (mut whole, mut stubs) = (0, 0);
    let mut reply = [0; 512];
    while let Ok(length) = socket.recv(&mut reply) {
        match reply[2] & 0x02 {
            0 => whole += 1,
            _ => stubs += usize::from(length == query.len()),
        }
    }
    assert!(whole >= 5 && whole + stubs < 200, "{whole} and {stubs}");
    assert!(stubs > 0, "an honest client comes back over TCP");
    for _ in 0..20 {
        let answer = cluster.dig("+tcp +short cluster.local SOA").await;
        assert!(answer.starts_with("ns.dns."), "{answer}");
    }
    cluster.stop().await;
}
