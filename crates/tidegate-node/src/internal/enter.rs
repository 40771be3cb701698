//! Runs one more command inside a container: the same namespaces, cgroup, user and capabilities.
//!
//! Exec probes and hooks use it. When the node closes the socket (a probe took too long, or the node
//! died) the command's whole process group is killed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::channel::Channel;
use super::init::{enter_working_dir, join_cgroup};
use super::privileges;
use super::spec::{EnterSpec, Exit, Report, StartFailure};
use super::supervise::{Children, Outcome};

pub(super) fn main() -> ExitCode {
    let Ok(mut node) = Channel::take_from_stdin() else {
        return ExitCode::FAILURE;
    };
    let Ok(Some(spec)) = node.receive::<EnterSpec>() else {
        return ExitCode::FAILURE;
    };
    let report = match run(&spec, &node) {
        Ok(Some(exit)) => Report::Exited(exit),
        Ok(None) => return ExitCode::SUCCESS,
        Err(failure) => Report::Failed(failure),
    };
    match node.send(&report) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn run(spec: &EnterSpec, node: &Channel) -> Result<Option<Exit>, StartFailure> {
    let failed = StartFailure::preparing;
    let Some((program, arguments)) = spec.command.split_first() else {
        return Err(failed("the command", &"it is empty"));
    };
    join_cgroup(&spec.cgroup)?;
    join_namespaces(spec)?;
    let children = Children::watch().map_err(|error| failed("watching for child ends", &error))?;
    enter_working_dir(&spec.working_dir)?;
    privileges::assume(&spec.privileges).map_err(|error| failed("giving up privileges", &error))?;
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(spec.environment.iter().cloned())
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| StartFailure::executing(program, &error))?;
    let pid = i32::try_from(child.id()).map_err(|error| failed("the command's number", &error))?;
    let pid = Pid::from_raw(pid);
    match children.wait(pid, node) {
        Ok(Outcome::ChildEnded(exit)) => Ok(Some(exit)),
        Ok(Outcome::NodeGone) => {
            // The group is gone when its last process ended in this very moment.
            let _ = killpg(pid, Signal::SIGKILL);
            Ok(None)
        }
        Err(error) => Err(failed("waiting for the command", &error)),
    }
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
