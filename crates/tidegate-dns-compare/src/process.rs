//! Processes that are measured: on which core they run, what time and memory they take.

use std::fs::{read_dir, read_to_string};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

/// Ticks of the kernel's accounting in a second, as user space sees them on every architecture
/// that we build for.
const TICKS: f64 = 100.0;

/// The core that all servers share; only one of them has something to do at a time.
pub(crate) const SERVERS_CORE: &str = "1";

/// The core of who asks.
pub(crate) const CLIENTS_CORE: &str = "0";

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

/// A process that runs until this value is dropped.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts a program on a core. It dies with this process, however that ends.
    pub(crate) fn start_program(core: &str, command: &[&str]) -> anyhow::Result<Self> {
        Self::start(&[&["--run-program", "taskset", "-c", core], command].concat())
    }

    /// Starts this program as something that ends with its parent.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("the path of this program")?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        // What is printed is the report's alone.
        command.stdout(Stdio::null());
        let child = command.spawn().context("this program, once more")?;
        Ok(Self { child })
    }

    /// Moves all of its threads to a core, also those that it has put elsewhere itself: Knot DNS
    /// gives its first worker the first core, wherever it was started.
    pub(crate) fn keep_on(&self, core: &str) -> anyhow::Result<()> {
        for process in self.family()? {
            let process = process.to_string();
            let mut command = Command::new("taskset");
            command.args(["--all-tasks", "--cpu-list", "--pid", core, &process]);
            let done = command.stdout(Stdio::null()).status();
            let done = done.context("taskset comes with util-linux")?;
            anyhow::ensure!(done.success(), "taskset can't move the process {process}");
        }
        Ok(())
    }

    /// Its code if it has ended.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<std::process::ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The processor time that it and its children have used so far, in seconds.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let times = self.family()?.into_iter().map(cpu_seconds);
        times.sum()
    }

    /// The memory that it and its children hold themselves, in octets; pages of files, such as a
    /// program's, are not counted.
    pub(crate) fn memory(&self) -> anyhow::Result<f64> {
        let sizes = self.family()?.into_iter().map(memory);
        sizes.sum()
    }

    /// It and its children's numbers.
    fn family(&self) -> anyhow::Result<Vec<u32>> {
        let mut family = vec![self.child.id()];
        let mut others = Vec::new();
        for entry in read_dir("/proc")?.flatten() {
            if let Ok(process) = entry.file_name().to_string_lossy().parse::<u32>()
                && let Ok(fields) = stat(process)
            {
                others.push((process, fields.get(1).copied().unwrap_or_default() as u32));
            }
        }
        let mut next = 0;
        while let Some(parent) = family.get(next).copied() {
            let children = others
                .iter()
                .filter(|(_, its_parent)| *its_parent == parent);
            family.extend(children.map(|(child, _)| child));
            next += 1;
        }
        Ok(family)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A server that has children takes them along, if it is asked to end. It may have ended
        // before.
        let process = nix::unistd::Pid::from_raw(self.child.id().cast_signed());
        let _ = nix::sys::signal::kill(process, Signal::SIGTERM);
        for _ in 0..300 {
            if self.child.try_wait().is_ok_and(|ended| ended.is_some()) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cpu_seconds(process: u32) -> anyhow::Result<f64> {
    let fields = stat(process)?;
    Ok(fields.iter().skip(11).take(2).sum::<f64>() / TICKS)
}

/// What the kernel tells about a process in numbers; the letter of its state counts as 0.
fn stat(process: u32) -> anyhow::Result<Vec<f64>> {
    let path = format!("/proc/{process}/stat");
    let stat = read_to_string(&path).with_context(|| path.clone())?;
    // The name, in parentheses, may contain blanks; what follows doesn't.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = fields.split_whitespace();
    Ok(fields.map(|field| field.parse().unwrap_or(0.0)).collect())
}

fn memory(process: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{process}/status");
    let status = read_to_string(&path).with_context(|| path.clone())?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    let kibibytes = kibibytes.with_context(|| format!("{path} has no RssAnon"))?;
    Ok(kibibytes.parse::<f64>()? * 1024.0)
}

/// The processor time that all of the machine's processors have been busy so far, in seconds.
pub(crate) fn busy_seconds() -> anyhow::Result<f64> {
    let stat = read_to_string("/proc/stat").context("/proc/stat")?;
    let line = stat.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap_or(0.0))
        .collect();
    // Of user, nice, system, idle, waiting, interrupts and soft interrupts, two are rest.
    let busy = [0, 1, 2, 5, 6].map(|at| fields.get(at).copied().unwrap_or_default());
    Ok(busy.iter().sum::<f64>() / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_uses_time() {
        let own = std::process::id();
        assert!(memory(own).expect("told") > 1e5);
        let before = cpu_seconds(own).expect("told");
        let all = busy_seconds().expect("told");
        while cpu_seconds(own).expect("told") < before + 0.05 {
            std::hint::black_box(0);
        }
        assert!(busy_seconds().expect("told") > all);
    }

    #[test]
    fn all_of_it_is_kept_on_a_core() {
        let child = Command::new("sleep").arg("60").spawn().expect("it starts");
        let running = Running { child };
        running.keep_on("0").expect("moved");
        let status = format!("/proc/{}/status", running.child.id());
        let status = read_to_string(status).expect("it runs");
        assert!(status.contains("Cpus_allowed_list:\t0\n"), "{status}");
    }

    #[test]
    fn time_and_memory_of_children_count_too() {
        let child = Command::new("sh")
            .args(["-c", "sleep 60 & wait"])
            .spawn()
            .expect("a shell");
        let running = Running { child };
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while running.family().expect("told").len() < 2 {
            assert!(std::time::Instant::now() < deadline, "the child never came");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let [parent, child] = running.family().expect("told")[..] else {
            panic!("one child");
        };
        assert!(running.memory().expect("told") > memory(parent).expect("told"));
        // The shell leaves its child alone when it is asked to end.
        let child = nix::unistd::Pid::from_raw(child.cast_signed());
        nix::sys::signal::kill(child, Signal::SIGKILL).expect("it runs");
    }
}
