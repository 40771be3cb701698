//! What the kernel says about processes: memory, and processor time.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};
use tidegate_testnet::Host;

use crate::agent::{Programming, Report};
use crate::modes::Mode;
use crate::services::Size;

/// Ticks of the kernel's accounting in a second, as user space sees them on every architecture
/// that we build for.
const TICKS: f64 = 100.0;

/// Memory that a process holds, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// What is its own.
    pub(crate) own: f64,
    /// The same with the pages of files that are in memory, such as its program's.
    pub(crate) with_files: f64,
}

/// A process's memory at this moment.
pub(crate) fn memory(process: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let mebibytes = |field: &str| -> anyhow::Result<f64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes = kilobytes.with_context(|| format!("{path} has no {field}"))?;
        Ok(kilobytes.parse::<f64>()? / 1024.0)
    };
    Ok(Memory {
        own: mebibytes("RssAnon:")?,
        with_files: mebibytes("VmRSS:")?,
    })
}

/// The processor time that a process has used so far, in seconds.
pub(crate) fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    // The name, in parentheses, may contain blanks; what follows doesn't.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: Vec<f64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

/// The processor time that all of the machine's processors have been busy so far, in seconds.
pub(crate) fn busy_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let [
        user,
        nice,
        system,
        _idle,
        _wait,
        interrupts,
        soft_interrupts,
        ..,
    ] = ticks[..]
    else {
        bail!("/proc/stat begins with {line:?}");
    };
    Ok((user + nice + system + interrupts + soft_interrupts) / TICKS)
}

/// Has the calling process killed when its parent ends, however that ends.
pub(crate) fn end_with_parent() -> anyhow::Result<()> {
    set_pdeathsig(Signal::SIGKILL).context("asking for the end with the parent")
}

/// Becomes another program, which ends with the calling process's parent.
pub(crate) fn become_program(command: &[String]) -> anyhow::Result<()> {
    end_with_parent()?;
    let (program, arguments) = command.split_first().context("a program is named")?;
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("{program} can't be started"))
}

/// A process that serves on a site until this value is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program on a machine. It dies with this process, however that ends.
    pub(crate) fn start_program(host: &Host, command: &[&str]) -> anyhow::Result<Self> {
        let arguments = [&["--run-program"], command].concat();
        Self::start(host, &arguments)
    }

    /// Starts this program on a machine as something that ends with its parent.
    fn start(host: &Host, arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("the path of this program")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let child = host.with(move || command.spawn())?;
        Ok(Self { child })
    }

    /// Starts this program as the process that runs a mode, and waits for its report.
    pub(crate) fn start_mode(
        host: &Host,
        mode: Mode,
        size: Size,
    ) -> anyhow::Result<(Self, Programming)> {
        let (services, endpoints) = (size.services.to_string(), size.endpoints.to_string());
        let mode = mode.name();
        let arguments = [
            "--run-mode",
            mode,
            "--services",
            &services,
            "--endpoints",
            &endpoints,
        ];
        let mut running = Self::start(host, &arguments)?;
        let output = running.child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        match serde_json::from_str(&line) {
            Ok(Report::Programmed(programming)) => Ok((running, programming)),
            Ok(Report::Failed(reason)) => bail!(reason),
            Err(_) => bail!("the process of {mode} ended without a report"),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_time() {
        let own = std::process::id();
        let memory = memory(own).expect("the kernel tells it");
        assert!(
            memory.own > 0.1 && memory.with_files > memory.own,
            "{memory:?}"
        );
        let before = (cpu_seconds(own), busy_seconds());
        let before = (before.0.expect("told"), before.1.expect("told"));
        while cpu_seconds(own).expect("told") < before.0 + 0.05 {
            std::hint::black_box(0);
        }
        assert!(busy_seconds().expect("told") > before.1);
    }
}
