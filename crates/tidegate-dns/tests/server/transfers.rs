//! Zones that are longer than what a connection holds.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::json;
use socket2::{Domain, Socket, Type};

use crate::cluster::{Cluster, parsed};

/// How many transfers there may be at one time.
const MOST: usize = 8;

/// More than the kernel keeps for a connection whose client doesn't read.
const LONG: usize = 5_000_000;

/// Begins a transfer, and reads no more of it than that it has begun.
fn begin(server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a short buffer");
    socket.connect(&server.into()).expect("connected");
    let mut stream = TcpStream::from(socket);
    let patience = Duration::from_secs(60);
    stream.set_read_timeout(Some(patience)).expect("set");
    let question = b"\x00\x1f\x07\x07\0\0\0\x01\0\0\0\0\0\0\x07cluster\x05local\0\0\xfc\0\x01";
    stream.write_all(question).expect("sent");
    let mut start = [0; 6];
    stream.read_exact(&mut start).expect("the beginning");
    assert_eq!(start[5] & 0x0f, 0, "NOERROR: {start:02x?}");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_transfers_are_under_way_and_no_more() {
    let mut config = parsed(
        ".:0 {
            kubernetes cluster.local
            transfer {
                to 127.0.0.1
            }
        }",
    );
    // The clients of this test stay as silent as they like.
    config.tcp.idle_timeout = Duration::from_secs(600);
    let cluster = Cluster::start(&config);
    for service in 0..10 {
        let name = format!("pods-{service}");
        cluster.set_service(&name, json!({"clusterIP": "None"}));
        let addresses = (0..2000).map(|pod| format!("10.{service}.{}.{}", pod / 250, pod % 250));
        cluster.set_endpoints(&name, &addresses.collect::<Vec<_>>());
    }
    cluster.feed.synced();
    let last = "10-9-7-249.pods-9.default.svc.cluster.local";
    cluster.until(last, "10.9.7.249").await;
    let address = cluster.address;
    let begun = tokio::task::spawn_blocking(move || [(); MOST].map(|()| begin(address)));
    let mut begun = Vec::from(begun.await.expect("all of them begin"));
    for _ in 0..3 {
        let refused = cluster.dig("cluster.local AXFR").await;
        assert!(refused.contains("Transfer failed"), "{refused}");
        let version = cluster.dig("+notcp +short cluster.local IXFR=1").await;
        assert!(version.starts_with("ns.dns.cluster.local."), "{version}");
    }
    // Whose client leaves, makes way.
    begun.pop();
    let mut whole = String::new();
    for _ in 0..100 {
        whole = cluster.dig("cluster.local AXFR").await;
        if !whole.contains("Transfer failed") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let size = whole.rsplit("bytes ").next().unwrap_or_default();
    let size = size.trim().trim_end_matches(')').parse::<usize>();
    assert!(
        size.is_ok_and(|size| size > LONG),
        "{:?}",
        whole.lines().last()
    );
    cluster.stop().await;
}
