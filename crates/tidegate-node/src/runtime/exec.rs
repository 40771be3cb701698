//! Running one more command in a container, for probes and hooks.

use std::io;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::container::Container;
use super::launch::{self, Reports};
use crate::internal::spec::{Exit, Report, StartFailure};

/// How much of a command's output is kept for the message.
const KEPT_OUTPUT: u64 = 10 * 1024;
/// How long output may still come after the command ended: a child of it may hold the pipe open.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// Why a command did not run to its end.
#[derive(Debug, Error)]
pub(crate) enum ExecError {
    #[error("starting the command: {0}")]
    Launch(#[source] io::Error),
    #[error("{}", .0.message)]
    Start(StartFailure),
    #[error("the container ended while the command ran")]
    Ended,
    #[error("the command timed out after {0:?}")]
    TimedOut(Duration),
}

/// A finished command.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) exit: Exit,
    /// The beginning of what it wrote, both streams together.
    pub(crate) text: String,
}

/// Runs `command` inside `container`; when `deadline` passes it is killed.
pub(crate) async fn run(
    executable: &Path,
    container: &Container,
    command: Vec<String>,
    deadline: Duration,
) -> Result<Output, ExecError> {
    let spec = container.enter_spec(command).ok_or(ExecError::Ended)?;
    let mut launched = launch::enter(executable, &spec)
        .await
        .map_err(ExecError::Launch)?;
    let stdout = tokio::spawn(read_beginning(launched.process.stdout.take()));
    let stderr = tokio::spawn(read_beginning(launched.process.stderr.take()));
    let report = tokio::time::timeout(deadline, outcome(&mut launched.reports)).await;
    // Closing the socket makes the process kill what it started, should that still run.
    drop(launched.reports);
    if let Err(error) = launched.process.wait().await {
        tracing::warn!(%error, "waiting for a command in a container");
    }
    let exit = match report {
        Err(_) => return Err(ExecError::TimedOut(deadline)),
        Ok(Ok(Some(Report::Exited(exit)))) => exit,
        Ok(Ok(Some(Report::Failed(failure)))) => return Err(ExecError::Start(failure)),
        Ok(Ok(_)) => return Err(ExecError::Ended),
        Ok(Err(error)) => return Err(ExecError::Launch(error)),
    };
    let mut text = String::new();
    for stream in [stdout, stderr] {
        if let Ok(Ok(bytes)) = tokio::time::timeout(LAST_OUTPUT, stream).await {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(Output { exit, text })
}

/// The report that comes after the start, or instead of it.
async fn outcome(reports: &mut Reports) -> io::Result<Option<Report>> {
    match reports.next().await? {
        Some(Report::Started { .. }) => reports.next().await,
        other => Ok(other),
    }
}

async fn read_beginning(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut stream) = stream else {
        return kept;
    };
    // A broken pipe ends the output, which is all there is to know about it.
    let _ = (&mut stream).take(KEPT_OUTPUT).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    kept
}
