//! Records for validators, which mean nothing to this server.

use tokio::net::UdpSocket;

use crate::cluster::{Cluster, config};

/// `example.org` with type RRSIG.
const QUESTION: &[u8] = b"\x07example\x03org\0\0\x2e\0\x01";

/// An RRSIG record for the question's name whose data is three octets of anything.
const RECORD: [u8; 15] = [0xc0, 12, 0, 46, 0, 1, 0, 0, 0, 30, 0, 3, 1, 2, 3];

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_no_validator_can_read_reaches_the_client_as_it_is() {
    let other = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let cluster = Cluster::start(&config(vec![other.local_addr().expect("an address")]));
    let answering = async {
        let mut reply = [0; 512];
        let (_, asker) = other.recv_from(&mut reply).await.expect("a query");
        reply[2] |= 0x80;
        reply[4..12].copy_from_slice(&[0, 1, 0, 1, 0, 0, 0, 0]);
        let reply = [&reply[..12], QUESTION, &RECORD].concat();
        let sent = other.send_to(&reply, asker).await;
        sent.expect("sent");
    };
    let client = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let asking = async {
        let query = [&[7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], QUESTION].concat();
        let sent = client.send_to(&query, cluster.address).await;
        sent.expect("sent");
        let mut reply = [0; 512];
        let length = client.recv(&mut reply).await.expect("a reply");
        reply[..length].to_vec()
    };
    let (reply, ()) = tokio::join!(asking, answering);
    assert_eq!(reply[3] & 0x0f, 0, "NOERROR: {reply:02x?}");
    assert_eq!(reply[12..], [QUESTION, &RECORD].concat(), "{reply:02x?}");
    cluster.stop().await;
}
