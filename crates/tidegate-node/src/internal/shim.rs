//! The parent of one container.
//!
//! It joins the pod's namespaces, opens a new PID namespace, starts the container's first process
//! in it and stays as its parent: the node learns of the end at once, and when the node is gone the
//! shim ends, which kills the first process ("parent death signal") and with it the PID namespace.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;

use super::channel::Channel;
use super::spec::{ContainerSpec, Report, SharedNamespaces, StartFailure};
use super::supervise::{Children, Outcome};
use super::{MARKER, role};

pub(super) fn main() -> ExitCode {
    let Ok(mut node) = Channel::take_from_stdin() else {
        return ExitCode::FAILURE;
    };
    let Ok(Some(spec)) = node.receive::<ContainerSpec>() else {
        return ExitCode::FAILURE;
    };
    let report = match run(&spec, &mut node) {
        Ok(Some(exit)) => Report::Exited(exit),
        Ok(None) => return ExitCode::SUCCESS,
        Err(failure) => Report::Failed(failure),
    };
    if node.send(&report).is_err() {
        return ExitCode::FAILURE;
    }
    // The container's process stays uncollected until the node has read the report.
    match node.receive::<()>() {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Runs the container; `None` when the node went away first.
fn run(
    spec: &ContainerSpec,
    node: &mut Channel,
) -> Result<Option<super::spec::Exit>, StartFailure> {
    let failed = StartFailure::preparing;
    join(&spec.namespaces).map_err(|error| failed("joining the pod's namespaces", &error))?;
    let children = Children::watch().map_err(|error| failed("watching for child ends", &error))?;
    unshare(CloneFlags::CLONE_NEWPID)
        .map_err(|error| failed("creating a PID namespace (CONFIG_PID_NS)", &error))?;
    let (mut container, pid) =
        spawn().map_err(|error| failed("starting the container's first process", &error))?;
    container
        .send(spec)
        .map_err(|error| failed("describing the container", &error))?;
    // The first process closes its end by executing the program, or once a built-in program is up; a
    // message before that is a failure.
    match container.receive::<StartFailure>() {
        Ok(None) => {}
        Ok(Some(failure)) => return Err(failure),
        Err(error) => return Err(failed("the container's first process broke off", &error)),
    }
    if node.send(&Report::Started { pid: pid.as_raw() }).is_err() {
        return Ok(None);
    }
    match children.wait(pid, node) {
        Ok(Outcome::ChildEnded(exit)) => Ok(Some(exit)),
        Ok(Outcome::NodeGone) => Ok(None),
        Err(error) => Err(failed("waiting for the container", &error)),
    }
}

fn join(namespaces: &SharedNamespaces) -> io::Result<()> {
    let wanted = [
        (&namespaces.network, CloneFlags::CLONE_NEWNET),
        (&namespaces.host_name, CloneFlags::CLONE_NEWUTS),
        (&namespaces.ipc, CloneFlags::CLONE_NEWIPC),
    ];
    for (path, kind) in wanted {
        if let Some(path) = path {
            setns(File::open(path)?, kind)?;
        }
    }
    Ok(())
}

fn spawn() -> io::Result<(Channel, Pid)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = Command::new("/proc/self/exe")
        .args([MARKER, role::INIT])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
        .spawn()?;
    // Standard output and error now belong to the container alone: the node sees their end when
    // the container's last process closes them.
    let null = File::options().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(&null)?;
    nix::unistd::dup2_stderr(&null)?;
    let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
    Ok((Channel::new(ours), Pid::from_raw(pid)))
}
