//! Running a command in a container.
//!
//! kube's own `exec` sends and receives in turns in one task: a command that answers while it is
//! still being fed more than the network holds would stand still for ever. Here both directions go
//! on by themselves.

use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{Sink, SinkExt, Stream, StreamExt};
use http::Request;
use kube::core::Status;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use crate::ClientError;
use crate::connect::Connection;
use crate::resource::percent_encode;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// How a command is to be run.
#[derive(Clone, Debug, Default)]
pub struct ExecOptions {
    /// The container; may be left out for pods with one.
    pub container: Option<String>,
    /// Whether the command has something to read.
    pub stdin: bool,
    /// Whether it gets a terminal, where output and errors are one.
    pub tty: bool,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// The user's side of a command.
pub struct ExecStreams<O, E> {
    /// Pieces of input; the input ends when the sender is dropped.
    pub input: mpsc::Receiver<Bytes>,
    /// The terminal's size, now and after every change, if there is a terminal.
    pub sizes: Option<watch::Receiver<TerminalSize>>,
    /// Takes what the command prints.
    pub output: O,
    /// Takes its complaints.
    pub errors: E,
}

/// A command that runs. It is ended when this is dropped.
pub struct ExecSession {
    connection: kube::client::Connection,
}

/// Starts a command in a container.
///
/// # Errors
/// The pod or container isn't there or doesn't run, the server refuses or doesn't answer. A
/// command that is no program is no error here: it ends with exit code 127 or 126.
pub async fn exec(
    connection: &Connection,
    namespace: &str,
    pod: &str,
    command: &[String],
    options: &ExecOptions,
) -> Result<ExecSession, ClientError> {
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/exec?stdin={}&stdout=true&stderr={}&tty={}",
        percent_encode(namespace),
        percent_encode(pod),
        options.stdin,
        !options.tty,
        options.tty,
    );
    if let Some(container) = &options.container {
        path = format!("{path}&container={}", percent_encode(container));
    }
    for word in command {
        path = format!("{path}&command={}", percent_encode(word));
    }
    let request = Request::get(path)
        .body(Vec::new())
        .map_err(|error| ClientError::BadAnswer(error.to_string()))?;
    let answer = connection.client.connect(request).await;
    let connection = answer.map_err(|error| ClientError::from_kube(error, &connection.server))?;
    Ok(ExecSession { connection })
}

impl ExecSession {
    /// Passes bytes on until the command ends; answers its exit code.
    ///
    /// # Errors
    /// The connection broke off, or the server could not run the command to its end.
    pub async fn run<O, E>(self, streams: ExecStreams<O, E>) -> Result<i32, ClientError>
    where
        O: AsyncWrite + Unpin,
        E: AsyncWrite + Unpin,
    {
        let can_end_input = self.connection.supports_stream_close();
        let (sink, stream) = self.connection.into_stream().split();
        let sending = send(sink, streams.input, streams.sizes, can_end_input);
        let mut receiving = std::pin::pin!(receive(stream, streams.output, streams.errors));
        tokio::select! {
            exit = &mut receiving => exit,
            // What can't be sent any more is of no matter if the command has ended; whether it
            // has, the other direction says.
            () = sending => receiving.await,
        }
    }
}

/// Sends input and sizes for as long as there may be some.
async fn send<S: Sink<Message, Error = SocketError>>(
    mut sink: SplitSink<S, Message>,
    mut input: mpsc::Receiver<Bytes>,
    mut sizes: Option<watch::Receiver<TerminalSize>>,
    can_end_input: bool,
) {
    if let Some(sizes) = &mut sizes {
        sizes.mark_changed();
    }
    let mut input_goes_on = true;
    loop {
        let message = tokio::select! {
            piece = input.recv(), if input_goes_on => match piece {
                Some(piece) => message(STDIN, &piece),
                None => {
                    input_goes_on = false;
                    if !can_end_input {
                        continue;
                    }
                    message(CLOSE, &[STDIN])
                }
            },
            Some(size) = next_size(&mut sizes) => {
                let TerminalSize { width, height } = size;
                let size = serde_json::json!({"Width": width, "Height": height});
                message(RESIZE, size.to_string().as_bytes())
            }
            else => return,
        };
        if sink.send(message).await.is_err() {
            return;
        }
    }
}

async fn next_size(sizes: &mut Option<watch::Receiver<TerminalSize>>) -> Option<TerminalSize> {
    let sizes = sizes.as_mut()?;
    sizes.changed().await.ok()?;
    Some(*sizes.borrow_and_update())
}

async fn receive<S>(
    mut stream: SplitStream<S>,
    mut output: impl AsyncWrite + Unpin,
    mut errors: impl AsyncWrite + Unpin,
) -> Result<i32, ClientError>
where
    S: Stream<Item = Result<Message, SocketError>>,
{
    let broke_off = |reason: &dyn std::fmt::Display| ClientError::BrokeOff(reason.to_string());
    while let Some(received) = stream.next().await {
        let bytes = match received.map_err(|error| broke_off(&error))? {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => break,
            _ => continue,
        };
        let Some((channel, content)) = bytes.split_first() else {
            continue;
        };
        let written = match *channel {
            STDOUT => write(&mut output, content).await,
            STDERR => write(&mut errors, content).await,
            STATUS => return exit_code(content),
            _ => Ok(()),
        };
        written.map_err(|error| broke_off(&error))?;
    }
    Err(broke_off(&"the server said nothing of the command's end"))
}

async fn write(to: &mut (impl AsyncWrite + Unpin), content: &[u8]) -> std::io::Result<()> {
    to.write_all(content).await?;
    to.flush().await
}

/// Reads how the command ended.
fn exit_code(content: &[u8]) -> Result<i32, ClientError> {
    let status: Status = serde_json::from_slice(content)
        .map_err(|error| ClientError::BadAnswer(error.to_string()))?;
    if matches!(
        status.status,
        Some(kube::core::response::StatusSummary::Success)
    ) {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut codes = causes.filter(|cause| cause.reason == "ExitCode");
    match codes.next().and_then(|cause| cause.message.parse().ok()) {
        Some(code) => Ok(code),
        None => Err(ClientError::Refused {
            reason: status.reason,
            message: status.message,
            code: status.code,
        }),
    }
}

fn message(channel: u8, content: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(content.len() + 1);
    message.put_u8(channel);
    message.put_slice(content);
    Message::Binary(message.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_end_of_a_command_is_its_exit_code_or_a_failure_of_the_server() {
        let read = |status: serde_json::Value| exit_code(status.to_string().as_bytes());
        assert_eq!(read(json!({"status": "Success"})).expect("an exit"), 0);
        let seven = json!({"status": "Failure", "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "7"}]}});
        assert_eq!(read(seven).expect("an exit"), 7);
        let failure = json!({"status": "Failure", "message": "no disk", "code": 500});
        let failure = read(failure).expect_err("a failure");
        assert!(failure.to_string().contains("no disk"), "{failure}");
        assert!(exit_code(b"{").is_err());
    }
}
