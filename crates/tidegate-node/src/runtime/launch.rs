//! Starting this executable again in one of its internal roles.

use std::io;
use std::path::Path;
use std::process::Stdio;

use serde::Serialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, Command};

use crate::internal::channel::line;
use crate::internal::spec::Report;
use crate::internal::{MARKER, role};

/// A process of ours and the socket to it. Dropping the socket ends the process.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) process: Child,
    pub(super) reports: Reports,
}

/// The node's end of the socket.
#[derive(Debug)]
pub(super) struct Reports {
    stream: BufReader<UnixStream>,
}

impl Reports {
    /// The next report, and the other direction, for a process that is told things meanwhile.
    pub(super) fn split(
        self,
    ) -> (
        impl Future<Output = io::Result<Option<Report>>>,
        impl AsyncWrite + Unpin,
    ) {
        // What was read ahead goes along: a short command's end comes with its start.
        let (read, write) = tokio::io::split(self.stream);
        let next = async move { read_report(&mut BufReader::new(read)).await };
        (next, write)
    }

    /// The next report; `None` when the process ended without one.
    pub(super) async fn next(&mut self) -> io::Result<Option<Report>> {
        read_report(&mut self.stream).await
    }
}

async fn read_report(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Report>> {
    let mut text = String::new();
    if stream.read_line(&mut text).await? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&text)?))
}

/// Starts a shim, with its output piped to the node.
pub(super) async fn shim(executable: &Path, spec: &impl Serialize) -> io::Result<Launched> {
    launch(executable, role::SHIM, spec).await
}

/// Starts a command inside a running container.
pub(super) async fn enter(executable: &Path, spec: &impl Serialize) -> io::Result<Launched> {
    launch(executable, role::ENTER, spec).await
}

async fn launch(executable: &Path, role: &str, spec: &impl Serialize) -> io::Result<Launched> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let process = Command::new(executable)
        .args([MARKER, role])
        // Away from the terminal's signals: an interrupt is for the node, which ends pods in order.
        .process_group(0)
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stream = BufReader::new(UnixStream::from_std(ours)?);
    stream.write_all(&line(spec)?).await?;
    Ok(Launched {
        process,
        reports: Reports { stream },
    })
}
