//! Becomes a command at a terminal, which is its standard input already.
//!
//! Only a process that leads a session can have a terminal that signals it (Ctrl-C, a change of
//! size), and a process can become a leader only by itself, so this step has a role of its own.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use super::spec::StartFailure;

pub(super) fn main(command: &[String]) -> ExitCode {
    let Some((program, arguments)) = command.split_first() else {
        return ExitCode::from(64);
    };
    let failure = match lead() {
        Ok(()) => {
            let error = Command::new(program).args(arguments).exec();
            StartFailure::executing(program, &error)
        }
        Err(error) => StartFailure::preparing("taking the terminal", &error),
    };
    // The terminal is what the user looks at; without it there is nobody to tell.
    let _ = writeln!(io::stderr(), "{}", failure.message);
    ExitCode::from(failure.exit_code())
}

fn lead() -> io::Result<()> {
    rustix::process::setsid()?;
    rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
    Ok(())
}
