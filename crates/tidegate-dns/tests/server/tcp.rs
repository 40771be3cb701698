//! Connections that are used hard, or badly.

use std::process::Stdio;
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RecordType};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UdpSocket};
use tokio::process::Command;

use crate::cluster::{Cluster, config};

fn framed(id: u16, name: &str) -> Vec<u8> {
    let mut message = Message::query();
    message.metadata.id = id;
    message.add_query(Query::query(
        Name::from_ascii(name).expect("a name"),
        RecordType::A,
    ));
    let message = message.to_vec().expect("a query");
    let length = u16::try_from(message.len()).expect("a short query");
    [length.to_be_bytes().as_slice(), &message].concat()
}

async fn read(stream: &mut TcpStream) -> Message {
    let length = stream.read_u16().await.expect("a length");
    let mut reply = vec![0; usize::from(length)];
    stream.read_exact(&mut reply).await.expect("a reply");
    Message::from_vec(&reply).expect("a readable reply")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_questions_on_one_connection_are_all_answered() {
    let cluster = Cluster::with_web(vec![]).await;
    let mut stream = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    let questions: Vec<u8> = (0..300)
        .flat_map(|id| framed(id, "web.default.svc.cluster.local."))
        .collect();
    let (mut reader, mut writer) = stream.split();
    // In two halves that cut a message in the middle.
    let (one, other) = questions.split_at(questions.len() / 2 + 5);
    let writing = async {
        writer.write_all(one).await.expect("sent");
        writer.flush().await.expect("sent");
        writer.write_all(other).await.expect("sent");
    };
    let reading = async {
        for id in 0..300 {
            let length = reader.read_u16().await.expect("a length");
            let mut reply = vec![0; usize::from(length)];
            reader.read_exact(&mut reply).await.expect("a reply");
            let reply = Message::from_vec(&reply).expect("a readable reply");
            assert_eq!((reply.metadata.id, reply.answers.len()), (id, 1));
        }
    };
    tokio::join!(writing, reading);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_waits_does_not_hold_up_the_next() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let cluster = Cluster::with_web(vec![silent.local_addr().expect("an address")]).await;
    let mut stream = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    let both = [
        framed(1, "example.org."),
        framed(2, "web.default.svc.cluster.local."),
    ];
    stream.write_all(&both.concat()).await.expect("sent");
    assert_eq!(read(&mut stream).await.metadata.id, 2);
    assert_eq!(read(&mut stream).await.metadata.id, 1);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_closes_its_side_still_gets_its_replies() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let cluster = Cluster::with_web(vec![silent.local_addr().expect("an address")]).await;
    let mut stream = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    stream
        .write_all(&framed(1, "example.org."))
        .await
        .expect("sent");
    stream.shutdown().await.expect("closed");
    assert_eq!(read(&mut stream).await.metadata.id, 1);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed() {
    let cluster = Cluster::with_web(vec![]).await;
    let mut silent = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    let mut half = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    half.write_all(&framed(1, "web.default.svc.cluster.local.")[..9])
        .await
        .expect("sent");
    for stream in [&mut silent, &mut half] {
        let mut nothing = Vec::new();
        stream
            .read_to_end(&mut nothing)
            .await
            .expect("closed in an orderly way");
        assert!(nothing.is_empty());
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_most_silent_connection_makes_way_for_a_new_one() {
    let mut few = config(vec![]);
    few.tcp.max_connections = 2;
    few.tcp.idle_timeout = Duration::from_secs(600);
    let cluster = Cluster::start(&few);
    cluster.feed.synced();
    let connect = || async {
        TcpStream::connect(cluster.address)
            .await
            .expect("connected")
    };
    let mut silent = connect().await;
    let mut busy = connect().await;
    busy.write_all(&framed(1, "cluster.local."))
        .await
        .expect("sent");
    assert_eq!(read(&mut busy).await.metadata.id, 1);
    let mut third = connect().await;
    third
        .write_all(&framed(7, "cluster.local."))
        .await
        .expect("sent");
    assert_eq!(read(&mut third).await.metadata.id, 7);
    let mut nothing = Vec::new();
    silent.read_to_end(&mut nothing).await.expect("closed");
    assert!(nothing.is_empty());
    busy.write_all(&framed(2, "cluster.local."))
        .await
        .expect("sent");
    assert_eq!(read(&mut busy).await.metadata.id, 2);
    assert_eq!(cluster.metric("tidegate_dns_tcp_evictions_total", ""), 1.0);
    cluster.stop().await;
}

/// Opens connections from a process of its own, since both ends together are more than one process
/// may have here: half of them silent, half with a message that never ends.
const HOLDER: &str = r#"
ulimit -n "$(ulimit -Hn)"
for ((number = 0; number < $2; number++)); do
    exec {held}<>/dev/tcp/127.0.0.1/$1 || exit 1
    if ((number % 2)); then printf '\0\050\1' >&$held; fi
done
echo held
read -r || true
"#;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_connections_keep_nobody_else_from_an_answer() {
    const CONNECTIONS: usize = 10_000;
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).expect("read");
    setrlimit(Resource::RLIMIT_NOFILE, most, most).expect("raised");
    let mut many = config(vec![]);
    many.tcp.idle_timeout = Duration::from_secs(600);
    assert_eq!(many.tcp.max_connections as usize, CONNECTIONS);
    let cluster = Cluster::start(&many);
    cluster.feed.synced();
    cluster.synced().await;
    let before = resident_kilobytes();
    let mut holder = Command::new("bash")
        .args(["-c", HOLDER, "holder"])
        .args([
            cluster.address.port().to_string(),
            (CONNECTIONS + 50).to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("bash is installed");
    let mut said = String::new();
    let output = holder.stdout.take().expect("piped");
    BufReader::new(output)
        .read_line(&mut said)
        .await
        .expect("read");
    assert_eq!(said, "held\n");
    let mut newcomer = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    newcomer
        .write_all(&framed(9, "cluster.local."))
        .await
        .expect("sent");
    assert_eq!(read(&mut newcomer).await.metadata.id, 9);
    let answer = cluster.dig("+short cluster.local SOA").await;
    assert!(answer.starts_with("ns.dns.cluster.local."), "{answer}");
    assert!(cluster.metric("tidegate_dns_tcp_evictions_total", "") >= 51.0);
    let grown = resident_kilobytes().saturating_sub(before);
    assert!(grown < 150_000, "{grown} kB for ten thousand connections");
    drop(holder.stdin.take());
    assert!(holder.wait().await.expect("ended").success());
    cluster.stop().await;
}

fn resident_kilobytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("there");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_on_a_connection_is_answered_or_passed_over() {
    let cluster = Cluster::with_web(vec![]).await;
    let mut stream = TcpStream::connect(cluster.address)
        .await
        .expect("connected");
    stream
        .write_all(&[0, 0, 0, 3, 1, 2, 3])
        .await
        .expect("sent");
    stream
        .write_all(&[0, 12, 0, 9, 1, 0, 0, 9, 0, 0, 0, 0, 0, 0])
        .await
        .expect("sent");
    let reply = read(&mut stream).await;
    assert_eq!(reply.metadata.id, 9);
    assert_eq!(reply.metadata.response_code.to_string(), "Form Error");
    stream
        .write_all(&framed(10, "web.default.svc.cluster.local."))
        .await
        .expect("sent");
    assert_eq!(read(&mut stream).await.metadata.id, 10);
    assert_eq!(
        cluster.metric("tidegate_dns_ignored_packets_total", ""),
        2.0
    );
    assert_eq!(
        cluster.metric("tidegate_dns_malformed_packets_total", ""),
        1.0
    );
    cluster.stop().await;
}
