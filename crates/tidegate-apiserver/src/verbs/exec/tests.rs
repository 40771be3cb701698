//! Clients over connections in memory, and commands that are played by the test.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, extract::ws::WebSocketUpgrade, routing::any};
use futures::{FutureExt, SinkExt, StreamExt};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    sync::{Mutex, oneshot, watch},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    channels::Protocol,
    check,
    stream::{Command, serve},
    without_spdy,
};
use crate::{
    pod_access::{ExecProcess, TerminalSize},
    request::ExecQuery,
};

/// Long enough for any machine: a test that reaches it has failed.
const DEADLINE: Duration = Duration::from_secs(30);

type Client = WebSocketStream<DuplexStream>;

/// The other side of a command's streams.
struct Played {
    stdin: DuplexStream,
    stdout: DuplexStream,
    stderr: DuplexStream,
    size: watch::Receiver<TerminalSize>,
    exit: oneshot::Sender<i32>,
    ended: CancellationToken,
}

fn command() -> (Played, ExecProcess) {
    let (stdin, their_stdin) = duplex(1024);
    let (stdout, their_stdout) = duplex(1024);
    let (stderr, their_stderr) = duplex(1024);
    let (their_size, size) = watch::channel(TerminalSize::default());
    let (exit, their_exit) = oneshot::channel();
    let ended = CancellationToken::new();
    let guard: DropGuard = ended.clone().drop_guard();
    let played = Played {
        stdin,
        stdout,
        stderr,
        size,
        exit,
        ended,
    };
    let exit = async move {
        let _guard = guard;
        Ok(their_exit.await.unwrap_or(137))
    };
    let process = ExecProcess {
        stdin: Some(Box::new(their_stdin)),
        stdout: Some(Box::new(their_stdout)),
        stderr: Some(Box::new(their_stderr)),
        size: Some(their_size),
        exit: exit.boxed(),
    };
    (played, process)
}

/// Connects a client that speaks one protocol to a server that runs `command`.
async fn connect(protocol: Protocol, command: Command) -> Client {
    let command = Arc::new(Mutex::new(Some(command)));
    let query = ExecQuery {
        stdin: true,
        stdout: true,
        stderr: true,
        ..ExecQuery::default()
    };
    let handler = async move |upgrade: WebSocketUpgrade| {
        let command = command.lock().await.take().expect("one request");
        let upgrade = upgrade.protocols([protocol.name()]);
        upgrade.on_upgrade(async move |socket| {
            serve(socket, protocol, &query, command, CancellationToken::new()).await;
        })
    };
    let router: Router = Router::new().route("/", any(handler));
    let (ours, theirs) = duplex(16 * 1024);
    tokio::spawn(
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(theirs), TowerToHyperService::new(router))
            .with_upgrades(),
    );
    let mut request = "ws://server/".into_client_request().expect("a request");
    let name = protocol.name().parse().expect("a header");
    request.headers_mut().insert("Sec-WebSocket-Protocol", name);
    let (client, _) = client_async(request, ours).await.expect("a connection");
    client
}

async fn next(client: &mut Client) -> Option<(u8, String)> {
    let message = timeout(DEADLINE, client.next()).await.expect("in time");
    match message?.expect("a message") {
        Message::Binary(bytes) => {
            let text = String::from_utf8_lossy(&bytes[1..]).into_owned();
            Some((bytes[0], text))
        }
        _ => None,
    }
}

async fn send(client: &mut Client, message: Message) {
    client.send(message).await.expect("is sent");
}

#[tokio::test]
async fn output_comes_before_the_outcome_and_the_outcome_is_the_last() {
    let (mut played, process) = command();
    let mut client = connect(Protocol::V4, Command::Runs(process)).await;
    assert_eq!(next(&mut client).await, Some((1, String::new())));
    send(&mut client, Message::binary(b"\x00ab".to_vec())).await;
    send(&mut client, Message::text("\0c")).await;
    let mut input = [0; 3];
    played.stdin.read_exact(&mut input).await.expect("input");
    assert_eq!(&input, b"abc");
    played.stderr.write_all(b"oh").await.expect("written");
    assert_eq!(next(&mut client).await, Some((2, "oh".to_owned())));
    // The end is known before the last output is read.
    played.stdout.write_all(b"last").await.expect("written");
    played.exit.send(7).expect("somebody waits");
    assert_eq!(next(&mut client).await, Some((1, "last".to_owned())));
    let (channel, status) = next(&mut client).await.expect("a status");
    assert_eq!(channel, 3);
    assert!(status.contains("\"message\":\"7\""), "{status}");
    assert_eq!(next(&mut client).await, None, "then the connection closes");
}

#[tokio::test]
async fn the_end_of_the_input_and_sizes_reach_the_command() {
    let (mut played, process) = command();
    let mut client = connect(Protocol::V5, Command::Runs(process)).await;
    let size = br#"{"Width":97,"Height":31}"#;
    let resize = [&[4], size.as_slice()].concat();
    send(&mut client, Message::binary(resize)).await;
    send(&mut client, Message::binary(b"\x00x".to_vec())).await;
    send(&mut client, Message::binary(vec![255, 0])).await;
    let mut input = String::new();
    let reading = played.stdin.read_to_string(&mut input);
    timeout(DEADLINE, reading)
        .await
        .expect("in time")
        .expect("reads");
    assert_eq!(input, "x");
    let expected = TerminalSize {
        width: 97,
        height: 31,
    };
    assert_eq!(*played.size.borrow_and_update(), expected);
}

#[tokio::test]
async fn a_command_ends_when_its_client_goes() {
    for politely in [true, false] {
        let (played, process) = command();
        let mut client = connect(Protocol::V5, Command::Runs(process)).await;
        assert!(next(&mut client).await.is_some());
        if politely {
            client.close(None).await.expect("closes");
        }
        drop(client);
        let ended = played.ended.cancelled();
        timeout(DEADLINE, ended)
            .await
            .expect("the command is ended");
    }
}

#[tokio::test]
async fn a_command_that_is_no_program_has_an_exit_code() {
    let command = Command::NotExecuted {
        code: 127,
        message: "no such thing".to_owned(),
    };
    let mut client = connect(Protocol::V5, command).await;
    let complaint = Some((2, "no such thing\n".to_owned()));
    assert_eq!(next(&mut client).await, complaint);
    let (_, status) = next(&mut client).await.expect("a status");
    assert!(status.contains("\"message\":\"127\""), "{status}");
}

#[test]
fn what_makes_no_sense_is_refused_in_upstreams_words() {
    let query = |text: &str| ExecQuery::of(&format!("/x?{text}").parse().expect("a URI"));
    for (text, expected) in [
        (
            "stdout=1",
            "you must specify at least one command for the container",
        ),
        (
            "command=&stdout=1",
            "you must specify at least one command for the container",
        ),
        (
            "command=a",
            "you must specify at least 1 of stdin, stdout, stderr",
        ),
    ] {
        let refused = check(&query(text).expect("a query")).expect_err(text);
        assert_eq!(refused.to_string(), expected);
    }
    assert!(check(&query("command=a&stdin=1&tty=1").expect("a query")).is_ok());
}

#[test]
fn spdy_is_refused_with_the_reason_that_helps() {
    let pod = json!({"status": {"containerStatuses": [
        {"name": "a", "state": {"running": {}}}, {"name": "b", "state": {"waiting": {}}},
    ]}});
    assert!(
        without_spdy(&pod, "web", "a")
            .to_string()
            .contains("kubectl 1.31 or newer")
    );
    let expected = "container \"b\" in pod \"web\" is not running";
    assert_eq!(without_spdy(&pod, "web", "b").to_string(), expected);
}

/// Output without end that counts what was taken of it.
struct Endless(Arc<AtomicUsize>);

impl AsyncRead for Endless {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.0.fetch_add(buffer.remaining(), Ordering::Relaxed);
        let length = buffer.remaining();
        buffer.initialize_unfilled_to(length).fill(0);
        buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_holds_the_command_back() {
    let taken = Arc::new(AtomicUsize::new(0));
    let (_played, mut process) = command();
    process.stdout = Some(Box::new(Endless(Arc::clone(&taken))));
    let client = connect(Protocol::V5, Command::Runs(process)).await;
    let mut before = 0;
    // However long it takes until nothing more is taken: it is soon, or never.
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = taken.load(Ordering::Relaxed);
        assert!(now < 1024 * 1024, "{now} bytes wait for a client");
        if now > 0 && now == before {
            break;
        }
        before = now;
    }
    drop(client);
}
