//! The tidegate that is measured.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tempfile::TempDir;

pub(crate) struct Machine {
    binary: PathBuf,
    data: TempDir,
    process: Option<Child>,
}

impl Machine {
    /// Gives this process's namespace the address and the default route that a machine has.
    pub(crate) fn new(binary: &Path) -> anyhow::Result<Self> {
        run(
            "ip link set lo up && ip link add eth0 type veth peer name eth0-peer && ip addr add 192.0.2.10/24 dev eth0 \
            && ip link set eth0 up && ip link set eth0-peer up && ip route add default via 192.0.2.1",
        )?;
        Ok(Self {
            binary: std::fs::canonicalize(binary)
                .with_context(|| format!("{} isn't there", binary.display()))?,
            data: tempfile::Builder::new()
                .prefix("tidegate-bench-")
                .tempdir()?,
            process: None,
        })
    }

    /// Starts it and gives the time until it says that it is ready.
    pub(crate) fn start(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        let mut process = Command::new(&self.binary)
            .args(["up", "--node-name", "bench", "--data-dir"])
            .arg(self.data.path().join("data"))
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().context("its output is piped")?;
        self.process = Some(process);
        let mut lines = BufReader::new(output).lines();
        loop {
            let line = lines
                .next()
                .context("tidegate up ended before it was ready")??;
            if line.starts_with("ready in") {
                break;
            }
        }
        let taken = begun.elapsed();
        // Whoever prints must be read, or it blocks.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(taken)
    }

    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        let kubeconfig = Kubeconfig::read_from(self.data.path().join("data/admin.kubeconfig"))?;
        let config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Ok(Client::try_from(config)?)
    }

    /// The memory that the process holds, in MiB: its own, and with the pages of its program file
    /// that are in memory.
    pub(crate) fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let process = self.process.as_ref().context("it runs")?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let mebibytes = |field: &str| -> anyhow::Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let kilobytes = line
                .context("the kernel tells it")?
                .trim()
                .trim_end_matches("kB")
                .trim();
            Ok(kilobytes.parse::<f64>()? / 1024.0)
        };
        Ok((mebibytes("RssAnon:")?, mebibytes("VmRSS:")?))
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        run(&format!("kill -s INT {}", process.id()))?;
        let status = process.wait()?;
        ensure!(status.success(), "tidegate up ended with {status}");
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // On the way out of a failure; a failure to stop has nobody to be told to.
        let _stopped = self.stop();
    }
}

/// Runs a shell line.
pub(crate) fn run(line: &str) -> anyhow::Result<String> {
    let output = Command::new("sh").args(["-c", line]).output()?;
    if !output.status.success() {
        bail!("{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
