//! One running container: its first process, its end, and the way into its namespaces.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::launch::{self, Reports};
use crate::internal::spec::{ContainerSpec, EnterSpec, Exit, Report, StartFailure};

/// Namespace files of a process, in the order in which they have to be joined.
const NAMESPACES: [&str; 5] = ["net", "uts", "ipc", "pid", "mnt"];

/// A container whose first process was started.
#[derive(Debug)]
pub(crate) struct Container {
    pid: Pid,
    spec: ContainerSpec,
    /// The way in; none for a container that had ended before it could be opened.
    namespaces: Option<Vec<File>>,
    running: Mutex<bool>,
}

/// What comes with a start: output to read and the end to wait for.
pub(crate) struct Started {
    pub(crate) container: std::sync::Arc<Container>,
    pub(crate) end: End,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
}

/// Starts a container and returns once its program was executed.
pub(crate) async fn start(executable: &Path, spec: ContainerSpec) -> Result<Started, StartFailure> {
    let mut launched = launch::shim(executable, &spec)
        .await
        .map_err(|error| StartFailure::preparing("starting a process for the container", &error))?;
    let pid = match launched.reports.next().await {
        Ok(Some(Report::Started { pid })) => Pid::from_raw(pid),
        Ok(Some(Report::Failed(failure))) => {
            drop(launched.reports);
            collect(&mut launched.process).await;
            return Err(failure);
        }
        Ok(Some(Report::Exited(_)) | None) => {
            return Err(StartFailure::preparing(
                "the container",
                &"its parent process died",
            ));
        }
        Err(error) => return Err(StartFailure::preparing("reading the start report", &error)),
    };
    // The process cannot be collected before the socket closes, so its files are its own.
    let namespaces = open_namespaces(pid)
        .map_err(|error| StartFailure::preparing("opening the container's namespaces", &error))?;
    let container = std::sync::Arc::new(Container {
        pid,
        spec,
        namespaces,
        running: Mutex::new(true),
    });
    Ok(Started {
        stdout: launched.process.stdout.take(),
        stderr: launched.process.stderr.take(),
        end: End {
            container: std::sync::Arc::clone(&container),
            process: launched.process,
            reports: launched.reports,
        },
        container,
    })
}

/// The namespaces of a process; `None` if it has ended, which takes them away from it even while
/// nobody has collected it.
fn open_namespaces(pid: Pid) -> io::Result<Option<Vec<File>>> {
    let opened = NAMESPACES
        .iter()
        .map(|kind| File::open(format!("/proc/{pid}/ns/{kind}")))
        .collect::<io::Result<Vec<File>>>();
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

impl Container {
    /// Sends a signal to the first process. One that has ended already is left in peace.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), nix::Error> {
        let running = self.lock();
        if !*running {
            return Ok(());
        }
        kill(self.pid, signal)
    }

    /// What it takes to run `command` as this container would, unless it has ended. The one place
    /// that knows how a container's inside is reached.
    pub(crate) fn enter_spec(&self, command: Vec<String>) -> Option<EnterSpec> {
        let namespaces = self.namespaces.as_ref()?;
        Some(EnterSpec {
            namespaces: namespaces.iter().map(path).collect(),
            cgroup: self.spec.cgroup.clone(),
            command,
            environment: self.spec.environment.clone(),
            working_dir: self.spec.working_dir.clone(),
            privileges: self.spec.privileges.clone(),
            stdin: None,
            terminal: false,
        })
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(file: &File) -> PathBuf {
    crate::network::path_for_children(file)
}

/// The end of a container, to be waited for.
#[derive(Debug)]
pub(crate) struct End {
    container: std::sync::Arc<Container>,
    process: Child,
    reports: Reports,
}

impl End {
    /// Returns as soon as the kernel reports the end of the first process.
    pub(crate) async fn wait(mut self) -> Exit {
        let exit = match self.reports.next().await {
            Ok(Some(Report::Exited(exit))) => exit,
            // The shim was killed, and its child with it.
            _ => Exit::Signal(Signal::SIGKILL as i32),
        };
        // From here on the number may be given to another process.
        *self.container.lock() = false;
        drop(self.reports);
        collect(&mut self.process).await;
        exit
    }
}

async fn collect(process: &mut Child) {
    if let Err(error) = process.wait().await {
        tracing::warn!(%error, "waiting for a container's parent process");
    }
}
