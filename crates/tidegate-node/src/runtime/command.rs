//! A command that somebody talks to while it runs in a container.

use std::io;
use std::path::Path;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::watch;

use super::container::Container;
use super::exec::ExecError;
use super::launch::{self, Launched};
use crate::internal::channel::line;
use crate::internal::spec::{Report, TerminalSize};

/// What to run.
#[derive(Debug, Clone, Default)]
pub struct ExecRequest {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether it has something to read; without it, its input is at its end.
    pub stdin: bool,
    /// Whether it gets a terminal, where output and errors are one.
    pub tty: bool,
}

/// A command that runs. It is killed when `exit` is dropped before it is ready.
pub struct RunningCommand {
    /// Its input, if any was asked for. Dropping it is the end of the input.
    pub stdin: Option<pipe::Sender>,
    /// Its output.
    pub stdout: Option<ChildStdout>,
    /// Its errors; a terminal has none of its own.
    pub stderr: Option<ChildStderr>,
    /// Where the size of its terminal is set, if it has one.
    pub size: Option<watch::Sender<TerminalSize>>,
    /// Its exit code: 128 and the number for a signal. An error is a failure of the machine.
    pub exit: BoxFuture<'static, io::Result<i32>>,
}

/// Starts a command and returns once it was executed.
pub(crate) async fn start(
    executable: &Path,
    container: &Container,
    request: ExecRequest,
) -> Result<RunningCommand, ExecError> {
    let pipe = request.stdin.then(pipe::pipe).transpose();
    let (stdin, theirs) = pipe.map_err(ExecError::Launch)?.unzip();
    let spec = container.enter_spec(request.command);
    let mut spec = spec.ok_or(ExecError::Ended)?;
    spec.stdin = theirs.as_ref().map(crate::network::path_for_children);
    spec.terminal = request.tty;
    let mut launched = launch::enter(executable, &spec)
        .await
        .map_err(ExecError::Launch)?;
    match launched.reports.next().await {
        Ok(Some(Report::Started { .. })) => {}
        Ok(Some(Report::Failed(failure))) => return Err(ExecError::Start(failure)),
        Ok(_) => return Err(ExecError::Ended),
        Err(error) => return Err(ExecError::Launch(error)),
    }
    // The command has the pipe's other end now; with ours open it would never see the input end.
    drop(theirs);
    let (size, sizes) = watch::channel(TerminalSize::default());
    let stdout = launched.process.stdout.take();
    let stderr = launched.process.stderr.take();
    Ok(RunningCommand {
        stdin,
        stdout,
        stderr: stderr.filter(|_| !request.tty),
        size: request.tty.then_some(size),
        exit: exit(launched, sizes).boxed(),
    })
}

/// Waits for the end, and passes sizes on meanwhile.
async fn exit(launched: Launched, mut sizes: watch::Receiver<TerminalSize>) -> io::Result<i32> {
    let Launched {
        mut process,
        reports,
    } = launched;
    let (report, mut socket) = reports.split();
    let mut report = std::pin::pin!(report);
    let report = loop {
        tokio::select! {
            report = &mut report => break report?,
            Ok(()) = sizes.changed() => {
                let size = *sizes.borrow_and_update();
                socket.write_all(&line(&size)?).await?;
            }
        }
    };
    drop(socket);
    process.wait().await?;
    match report {
        Some(Report::Exited(exit)) => Ok(exit.code()),
        Some(Report::Failed(failure)) => Err(io::Error::other(failure.message)),
        // The container was killed with everything in it.
        Some(Report::Started { .. }) | None => Ok(KILLED),
    }
}

/// 128 and the number of SIGKILL.
const KILLED: i32 = 137;
