//! What a user would take instead: HAProxy in TCP mode, as Debian ships it.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tempfile::TempDir;

use crate::process::{self, Memory, Running};
use crate::services::{Size, name};
use crate::site::Site;
use crate::traffic::latency;

/// A running HAProxy.
pub(crate) struct Haproxy {
    pub(crate) running: Running,
    /// From the start of the process until the last Service answered, in seconds.
    pub(crate) program_seconds: f64,
    /// One endpoint's address set over its control socket, in seconds, change by change.
    pub(crate) change_seconds: Vec<f64>,
    pub(crate) memory: Memory,
    /// Its configuration and its control socket.
    _files: TempDir,
}

/// How many changes are timed.
const CHANGES: usize = 42;

impl Haproxy {
    /// Starts it on a site's node with a listener for each Service.
    pub(crate) fn start(site: &Site, size: Size, threads: usize) -> anyhow::Result<Self> {
        let files = tempfile::Builder::new()
            .prefix("tidegate-compare-")
            .tempdir()?;
        let path = |name: &str| files.path().join(name).display().to_string();
        let (file, socket) = (path("haproxy.cfg"), path("control"));
        std::fs::write(&file, configuration(size, threads, &socket))?;
        site.node.run("ip route add local 10.96.0.0/16 dev lo");
        let begun = Instant::now();
        let running = Running::start_program(&site.node, &["haproxy", "-db", "-q", "-f", &file])?;
        let last = Size::frontend(size.last());
        let patience = Duration::from_secs(120);
        site.client
            .with(move || latency::wait_for_answer(last, patience))
            .context("HAProxy doesn't serve")?;
        let program_seconds = begun.elapsed().as_secs_f64();
        let change_seconds = time_changes(&socket, size)?;
        Ok(Self {
            memory: process::memory(running.id())?,
            running,
            program_seconds,
            change_seconds,
            _files: files,
        })
    }
}

/// The version, as the program tells it; none if it isn't installed.
pub(crate) fn version() -> Option<String> {
    let output = std::process::Command::new("haproxy").arg("-v").output();
    let text = String::from_utf8(output.ok()?.stdout).ok()?;
    let version = text.split_whitespace().nth(2)?;
    Some(version.to_owned())
}

fn configuration(size: Size, threads: usize, socket: &str) -> String {
    let mut text = format!(
        "global\n\
         \x20 nbthread {threads}\n\
         \x20 maxconn 4000\n\
         \x20 stats socket {socket} level admin\n\
         defaults\n\
         \x20 mode tcp\n\
         \x20 balance roundrobin\n\
         \x20 timeout connect 5s\n\
         \x20 timeout client 1m\n\
         \x20 timeout server 1m\n"
    );
    for service in 0..size.services {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "listen {}\n  bind {}",
            name(service),
            Size::frontend(service)
        );
        for (number, address) in size.endpoints_of(service).iter().enumerate() {
            let port = crate::services::POD_PORT;
            let _ = writeln!(text, "  server pod-{number} {address}:{port}");
        }
    }
    text
}

/// Changes a Service in the middle through the control socket: the quick way that HAProxy has, if
/// somebody writes what uses it.
fn time_changes(socket: &str, size: Size) -> anyhow::Result<Vec<f64>> {
    let service = size.services / 2;
    let own = size.endpoints_of(service)[0];
    let mut times = Vec::new();
    for change in 0..CHANGES {
        let address = match change % 2 {
            0 => "10.255.255.1".to_owned(),
            _ => own.to_string(),
        };
        let begun = Instant::now();
        let mut control = UnixStream::connect(socket).context("HAProxy's control socket")?;
        let order = format!("set server {}/pod-0 addr {address}\n", name(service));
        control.write_all(order.as_bytes())?;
        let mut answer = String::new();
        control.read_to_string(&mut answer)?;
        times.push(begun.elapsed().as_secs_f64());
        ensure!(
            answer.contains("changed"),
            "HAProxy answers {order:?} with {answer:?}"
        );
    }
    Ok(times)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_is_a_listener_with_its_endpoints() {
        let size = Size {
            services: 2,
            endpoints: 2,
        };
        insta::assert_snapshot!(configuration(size, 2, "/run/control"), @"
        global
          nbthread 2
          maxconn 4000
          stats socket /run/control level admin
        defaults
          mode tcp
          balance roundrobin
          timeout connect 5s
          timeout client 1m
          timeout server 1m
        listen service-00000
          bind 10.96.0.1:80
          server pod-0 10.244.1.1:8080
          server pod-1 10.244.1.2:8080
        listen service-00001
          bind 10.96.0.2:80
          server pod-0 10.244.1.1:8080
          server pod-1 10.244.1.2:8080
        ");
    }
}
