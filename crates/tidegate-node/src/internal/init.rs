//! Turns itself into a container's first process.
//!
//! The order matters: the cgroup first, so that nothing escapes it; mounts while the process still
//! has every right; user and capabilities after that; the program last. The socket closes by itself
//! when the program is executed, or a built-in program closes it when its ports are open, which is
//! how the shim knows that all went well.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use super::channel::Channel;
use super::spec::{ContainerSpec, Program, StartFailure};
use super::{MARKER, mounts, privileges, role};

pub(super) fn main() -> ExitCode {
    let Ok(mut shim) = Channel::take_from_stdin() else {
        return ExitCode::FAILURE;
    };
    let Ok(Some(spec)) = shim.receive::<ContainerSpec>() else {
        return ExitCode::FAILURE;
    };
    let failure = match prepare(&spec) {
        Ok(()) => execute(&spec, &shim),
        Err(failure) => failure,
    };
    // With the shim gone nobody is left to tell, and this process is about to be killed anyway.
    let _ = shim.send(&failure);
    ExitCode::FAILURE
}

fn prepare(spec: &ContainerSpec) -> Result<(), StartFailure> {
    join_cgroup(&spec.cgroup)?;
    // Fails only for a process that leads a session already, which is just as good.
    let _ = nix::unistd::setsid();
    mounts::prepare(spec).map_err(|error| StartFailure::preparing("mounting", &error))?;
    privileges::assume(&spec.privileges)
        .map_err(|error| StartFailure::preparing("giving up privileges", &error))?;
    // Changing the user clears the parent death signal, so it is set after that.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL)
        .map_err(|error| StartFailure::preparing("tying the container to its parent", &error))?;
    enter_working_dir(&spec.working_dir)
}

/// Moves this process into a cgroup.
pub(super) fn join_cgroup(cgroup: &Path) -> Result<(), StartFailure> {
    std::fs::write(cgroup.join("cgroup.procs"), "0").map_err(|error| {
        StartFailure::preparing(&format!("joining the cgroup {}", cgroup.display()), &error)
    })
}

pub(super) fn enter_working_dir(directory: &Path) -> Result<(), StartFailure> {
    std::env::set_current_dir(directory).map_err(|error| {
        StartFailure::preparing(&format!("workingDir {}", directory.display()), &error)
    })
}

/// Executes the program; returns only when that failed.
fn execute(spec: &ContainerSpec, shim: &Channel) -> StartFailure {
    let (shown, mut command) = match &spec.program {
        Program::Command(words) => {
            let Some((program, arguments)) = words.split_first() else {
                return StartFailure::preparing("the container", &"its command is empty");
            };
            let mut command = Command::new(program);
            command.args(arguments);
            (program.clone(), command)
        }
        Program::BuiltIn(words) => {
            if let Err(error) = shim.leave_at_stdin() {
                return StartFailure::preparing("standard input", &error);
            }
            let mut command = Command::new("/proc/self/exe");
            command.args([MARKER, role::IMAGE]).args(words);
            (words.join(" "), command)
        }
    };
    command.env_clear().envs(spec.environment.iter().cloned());
    StartFailure::executing(&shown, &command.exec())
}
