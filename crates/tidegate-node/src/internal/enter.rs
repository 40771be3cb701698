//! Runs one more command inside a container: the same namespaces, cgroup, user and capabilities.
//!
//! Exec probes, hooks and users use it. When the node closes the socket (a probe took too long, a
//! user went away, or the node died) the command's whole process group is killed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::channel::Channel;
use super::init::{enter_working_dir, join_cgroup};
use super::spec::{EnterSpec, Exit, Report, StartFailure};
use super::supervise::{Children, Outcome};
use super::{privileges, terminal};

pub(super) fn main() -> ExitCode {
    let Ok(mut node) = Channel::take_from_stdin() else {
        return ExitCode::FAILURE;
    };
    let Ok(Some(spec)) = node.receive::<EnterSpec>() else {
        return ExitCode::FAILURE;
    };
    let report = match run(&spec, &mut node) {
        Ok(Some(exit)) => Report::Exited(exit),
        Ok(None) => return ExitCode::SUCCESS,
        Err(failure) => Report::Failed(failure),
    };
    match node.send(&report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(spec: &EnterSpec, node: &mut Channel) -> Result<Option<Exit>, StartFailure> {
    let failed = StartFailure::preparing;
    let Some((program, arguments)) = spec.command.split_first() else {
        return Err(failed("the command", &"it is empty"));
    };
    let stdin = open_stdin(spec)?;
    join_cgroup(&spec.cgroup)?;
    join_namespaces(spec)?;
    let children = Children::watch().map_err(|error| failed("watching for child ends", &error))?;
    enter_working_dir(&spec.working_dir)?;
    privileges::assume(&spec.privileges).map_err(|error| failed("giving up privileges", &error))?;
    if spec.terminal {
        return terminal::run(spec, stdin, node, &children);
    }
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().cloned())
        .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
        .process_group(0)
        .spawn()
        .map_err(|error| StartFailure::executing(program, &error))?;
    let pid = pid_of(&child)?;
    let started = Report::Started { pid: pid.as_raw() };
    let outcome = match node.send(&started) {
        Ok(()) => children.wait(pid, node),
        Err(_) => Ok(Outcome::NodeGone),
    };
    match outcome {
        Ok(Outcome::ChildEnded(exit)) => Ok(Some(exit)),
        Ok(Outcome::NodeGone) => {
            kill_group(pid);
            Ok(None)
        }
        Err(error) => Err(failed("waiting for the command", &error)),
    }
}

pub(super) fn pid_of(child: &Child) -> Result<Pid, StartFailure> {
    let pid = i32::try_from(child.id());
    let pid = pid.map_err(|error| StartFailure::preparing("the command's number", &error))?;
    Ok(Pid::from_raw(pid))
}

/// Kills a command with everything in its process group.
pub(super) fn kill_group(leader: Pid) {
    // The group is gone when its last process ended in this very moment.
    let _ = killpg(leader, Signal::SIGKILL);
}

/// Opened before any namespace is joined: the path is one of the node's.
fn open_stdin(spec: &EnterSpec) -> Result<Option<File>, StartFailure> {
    let opened = spec.stdin.as_ref().map(File::open).transpose();
    opened.map_err(|error| StartFailure::preparing("opening the command's input", &error))
}

fn join_namespaces(spec: &EnterSpec) -> Result<(), StartFailure> {
    let failed = |error: &dyn std::fmt::Display| {
        StartFailure::preparing("joining the container's namespaces", error)
    };
    // All are opened before the first is joined: after the mount namespace the paths mean
    // something else.
    let mut files = Vec::new();
    for path in &spec.namespaces {
        files.push(File::open(path).map_err(|error| failed(&error))?);
    }
    for file in files {
        setns(file, CloneFlags::empty()).map_err(|error| failed(&error))?;
    }
    Ok(())
}
