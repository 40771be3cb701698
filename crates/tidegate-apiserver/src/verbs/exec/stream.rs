//! Moving bytes between a client and a command until one of them ends.
//!
//! Nothing is kept beyond a few pieces: a client that reads slowly holds back the command, and a
//! command that reads slowly holds back the client.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    future::{try_join, try_join3},
    stream::{SplitSink, SplitStream},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, watch},
    time::{interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::channels::{ERROR, FromClient, Protocol, STDERR, STDOUT, ending, message};
use crate::{
    pod_access::{ExecProcess, TerminalSize},
    request::ExecQuery,
};

/// The largest piece of output in one message.
const PIECE: usize = 32 * 1024;
/// Messages that may wait for the client.
const QUEUE: usize = 4;
/// How often the client is asked whether it is still there.
const PING_PERIOD: Duration = Duration::from_secs(15);
/// How long output may still come after the command ended: a child of it may hold the pipe open.
const LAST_OUTPUT: Duration = Duration::from_millis(200);
/// How long the client may take to end the connection after it was told the outcome.
const FAREWELL: Duration = Duration::from_secs(5);

/// The command as the node began it.
pub(super) enum Command {
    Runs(ExecProcess),
    /// It is no program. That is an outcome, as in a shell, and no error of the request.
    NotExecuted {
        code: i32,
        message: String,
    },
}

/// The client doesn't take anything any more.
struct Gone;

/// Serves one connection. The command is ended when the client leaves or the server stops.
pub(super) async fn serve(
    socket: WebSocket,
    protocol: Protocol,
    query: &ExecQuery,
    command: Command,
    shutdown: CancellationToken,
) {
    let (sink, stream) = socket.split();
    let (out, queue) = mpsc::channel(QUEUE);
    let (input, size, outcome) = match command {
        Command::Runs(mut process) => {
            let (input, size) = (process.stdin.take(), process.size.take());
            (input, size, Ok(process))
        }
        Command::NotExecuted { code, message } => (None, None, Err((code, message))),
    };
    let working = async {
        match outcome {
            Ok(process) => run(process, query, out).await,
            Err((code, text)) => complain(code, &text, query, out).await,
        }
    };
    let mut receiving = std::pin::pin!(receive(stream, protocol, input, size));
    tokio::select! {
        () = &mut receiving => return,
        () = shutdown.cancelled() => return,
        done = try_join(working, send(sink, queue)) => if done.is_err() {
            return;
        }
    }
    // A connection that is closed before everything was read from it takes with it what the other
    // side has not read yet.
    let _too_late = timeout(FAREWELL, receiving).await;
}

/// Takes in what the client sends, until it leaves.
async fn receive(
    mut stream: SplitStream<WebSocket>,
    protocol: Protocol,
    mut input: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    size: Option<watch::Sender<TerminalSize>>,
) {
    while let Some(Ok(received)) = stream.next().await {
        let bytes: Bytes = match received {
            Message::Binary(bytes) => bytes,
            Message::Text(text) => text.into(),
            Message::Ping(_) | Message::Pong(_) => continue,
            Message::Close(_) => return,
        };
        match protocol.read(bytes) {
            FromClient::Input(bytes) => {
                if let Some(pipe) = &mut input
                    && pipe.write_all(&bytes).await.is_err()
                {
                    // The command reads no more; what else comes is for nobody.
                    input = None;
                }
            }
            FromClient::InputEnds => input = None,
            FromClient::Resize(wanted) => {
                if let Some(size) = &size {
                    size.send_replace(wanted);
                }
            }
            FromClient::Other => {}
        }
    }
}

/// Sends what waits, and the end after the last of it.
async fn send(
    mut sink: SplitSink<WebSocket, Message>,
    mut queue: mpsc::Receiver<Message>,
) -> Result<(), Gone> {
    let mut pings = interval(PING_PERIOD);
    pings.reset();
    loop {
        let next = tokio::select! {
            message = queue.recv() => message,
            _ = pings.tick() => Some(Message::Ping(Bytes::new())),
        };
        let Some(message) = next else {
            break;
        };
        sink.send(message).await.map_err(|_| Gone)?;
    }
    let farewell = CloseFrame {
        code: close_code::NORMAL,
        reason: "".into(),
    };
    let farewell = Message::Close(Some(farewell));
    sink.send(farewell).await.map_err(|_| Gone)
}

/// Passes on what the command writes and how it ends.
async fn run(
    process: ExecProcess,
    query: &ExecQuery,
    out: mpsc::Sender<Message>,
) -> Result<(), Gone> {
    // An empty piece tells the client that the connection stands.
    let first = match (query.stdout, query.stderr) {
        (true, _) => STDOUT,
        (false, true) => STDERR,
        (false, false) => ERROR,
    };
    put(&out, message(first, &[])).await?;
    let ended = CancellationToken::new();
    let exit = async {
        let exit = process.exit.await;
        ended.cancel();
        Ok(exit)
    };
    let stdout = pump(process.stdout, STDOUT, query.stdout, &out, &ended);
    let stderr = pump(process.stderr, STDERR, query.stderr, &out, &ended);
    let (exit, (), ()) = try_join3(exit, stdout, stderr).await?;
    let exit = exit.map_err(|error| error.to_string());
    put(&out, ending(&exit)).await
}

/// Tells what a shell would tell of a command that is no program.
async fn complain(
    code: i32,
    text: &str,
    query: &ExecQuery,
    out: mpsc::Sender<Message>,
) -> Result<(), Gone> {
    let channel = if query.stderr { STDERR } else { STDOUT };
    if query.stderr || query.stdout {
        put(&out, message(channel, format!("{text}\n").as_bytes())).await?;
    }
    put(&out, ending(&Ok(code))).await
}

/// Reads one output to its end; it is thrown away if the client did not ask for it.
async fn pump(
    output: Option<Box<dyn AsyncRead + Send + Unpin>>,
    channel: u8,
    is_wanted: bool,
    out: &mpsc::Sender<Message>,
    ended: &CancellationToken,
) -> Result<(), Gone> {
    let Some(mut output) = output else {
        return Ok(());
    };
    let mut buffer = vec![0; PIECE];
    loop {
        let silence = async {
            ended.cancelled().await;
            sleep(LAST_OUTPUT).await;
        };
        let length = tokio::select! {
            biased;
            // A broken pipe ends the output, which is all there is to know about it.
            read = output.read(&mut buffer) => read.unwrap_or(0),
            () = silence => 0,
        };
        if length == 0 {
            return Ok(());
        }
        if is_wanted {
            put(out, message(channel, &buffer[..length])).await?;
        }
    }
}

async fn put(out: &mpsc::Sender<Message>, message: Message) -> Result<(), Gone> {
    out.send(message).await.map_err(|_| Gone)
}
