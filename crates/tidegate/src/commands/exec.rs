//! `exec`: a command in a container, without kubectl.

use std::io::{IsTerminal, Read};

use anyhow::Context;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tidegate_client::{ExecOptions, ExecStreams, TerminalSize, exec};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::objects::{open, outcome};
use crate::cli::ExecArgs;
use crate::exit::Failure;

/// The largest piece of input that is sent at once.
const PIECE: usize = 32 * 1024;
/// Pieces of input that may wait to be sent.
const QUEUE: usize = 4;

/// Runs the command; its exit code becomes ours.
pub(crate) async fn run(args: ExecArgs) -> Result<(), Failure> {
    let connection = open(&args.connect).await?;
    let is_terminal = std::io::stdin().is_terminal();
    if args.tty && !is_terminal {
        tracing::warn!("standard input is no terminal, so the command gets none (--tty)");
    }
    let options = ExecOptions {
        container: args.container,
        stdin: args.stdin,
        tty: args.tty && is_terminal,
    };
    let namespace = &args.connect.namespace;
    let session = exec(&connection, namespace, &args.pod, &args.command, &options)
        .await
        .map_err(outcome)?;
    let (sizes, raw) = match options.tty {
        true => (Some(terminal_sizes()?), Some(RawTerminal::enter()?)),
        false => (None, None),
    };
    let streams = ExecStreams {
        input: input(options.stdin),
        sizes,
        output: tokio::io::stdout(),
        errors: tokio::io::stderr(),
    };
    let exit = session.run(streams).await;
    drop(raw);
    match exit.map_err(outcome)? {
        0 => Ok(()),
        code => Err(Failure::Command(u8::try_from(code).unwrap_or(u8::MAX))),
    }
}

/// Standard input in pieces. It is read by a thread that nobody waits for, because a read from a
/// terminal can't be given up.
fn input(is_wanted: bool) -> mpsc::Receiver<bytes::Bytes> {
    let (sender, pieces) = mpsc::channel(QUEUE);
    if is_wanted {
        std::thread::spawn(move || {
            let mut buffer = vec![0; PIECE];
            let mut stdin = std::io::stdin().lock();
            // An input that can't be read is at its end, as far as the command is concerned.
            while let Ok(length @ 1..) = stdin.read(&mut buffer) {
                let piece = bytes::Bytes::copy_from_slice(&buffer[..length]);
                if sender.blocking_send(piece).is_err() {
                    return;
                }
            }
        });
    }
    pieces
}

/// The terminal's size, again after every change.
fn terminal_sizes() -> anyhow::Result<watch::Receiver<TerminalSize>> {
    let mut changes = signal(SignalKind::window_change()).context("signals can't be received")?;
    let (sender, sizes) = watch::channel(size());
    tokio::spawn(
        async move { while changes.recv().await.is_some() && sender.send(size()).is_ok() {} },
    );
    Ok(sizes)
}

/// A terminal that doesn't know its size has the classic one.
fn size() -> TerminalSize {
    let known = tcgetwinsize(rustix::stdio::stdin()).ok();
    let known = known.filter(|size| size.ws_col > 0 && size.ws_row > 0);
    known.map_or(
        TerminalSize {
            width: 80,
            height: 24,
        },
        |size| TerminalSize {
            width: size.ws_col,
            height: size.ws_row,
        },
    )
}

/// The terminal of standard input while every key goes to the command; as before when dropped.
struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    fn enter() -> anyhow::Result<Self> {
        let stdin = rustix::stdio::stdin();
        let before = tcgetattr(stdin).context("the terminal's settings can't be read")?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin, OptionalActions::Now, &raw)
            .context("the terminal's settings can't be changed")?;
        Ok(Self { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let stdin = rustix::stdio::stdin();
        if let Err(error) = tcsetattr(stdin, OptionalActions::Now, &self.before) {
            tracing::warn!(%error, "the terminal could not be set back; `reset` does it");
        }
    }
}
