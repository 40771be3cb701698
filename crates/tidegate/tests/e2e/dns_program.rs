//! `tidegate dns` on a machine.

use std::fs::{self, File};
use std::process::{Child, Stdio};

use crate::machine::{Machine, TIDEGATE};

/// A DNS server that ends with this value.
pub(crate) struct DnsProgram {
    process: Child,
    log: std::path::PathBuf,
}

impl DnsProgram {
    /// Starts it with a Corefile, and with these flags besides.
    pub(crate) fn start(machine: &Machine, corefile: &str, flags: &[&str]) -> Self {
        let corefile = machine.file("Corefile", corefile);
        let log = machine.folder().join("dns.log");
        let process = machine
            .command(TIDEGATE)
            .args(["dns", "-v", "--corefile", &corefile])
            .args(flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("creates"))
            .spawn()
            .expect("starts");
        Self { process, log }
    }

    /// What it has logged.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).expect("reads")
    }
}

impl Drop for DnsProgram {
    fn drop(&mut self) {
        // It may have ended by itself, which the test has noticed.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
