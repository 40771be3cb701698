//! The servers that are compared: how each of them is configured and started.

mod configuration;
pub(crate) mod echo;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::ask;
use crate::process::{Running, SERVERS_CORE};

/// A DNS server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// `tidegate dns`, from the live cluster.
    Tidegate,
    /// Knot DNS, from zone files.
    Knot,
    /// NSD, from zone files; whom the others forward to.
    Nsd,
    /// unbound, from its cache.
    Unbound,
    /// dnsmasq, from its cache.
    Dnsmasq,
    /// Ours that sends each question back: what the kernel's part alone takes.
    Echo,
}

/// A running server.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) running: Running,
}

impl Kind {
    /// All of them, whom is forwarded to first.
    pub(crate) const ALL: [Self; 6] = [
        Self::Nsd,
        Self::Knot,
        Self::Tidegate,
        Self::Unbound,
        Self::Dnsmasq,
        Self::Echo,
    ];

    /// As the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tidegate => "tidegate",
            Self::Knot => "Knot DNS",
            Self::Nsd => "NSD",
            Self::Unbound => "unbound",
            Self::Dnsmasq => "dnsmasq",
            Self::Echo => "echo",
        }
    }

    /// Where it listens on 127.0.0.1.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Tidegate => 5301,
            Self::Knot => 5302,
            Self::Nsd => 5303,
            Self::Unbound => 5304,
            Self::Dnsmasq => 5305,
            Self::Echo => 5306,
        }
    }

    /// The version of a server from others, as the program tells it; none if it isn't there.
    pub(crate) fn version(self) -> Option<String> {
        let (program, flag) = match self {
            Self::Tidegate | Self::Echo => return None,
            Self::Knot => ("knotd", "-V"),
            Self::Nsd => ("nsd", "-v"),
            Self::Unbound => ("unbound", "-V"),
            Self::Dnsmasq => ("dnsmasq", "-v"),
        };
        version(program, flag)
    }
}

impl Server {
    /// Starts a server on the servers' core and waits until it answers for `name`. Its files are
    /// in `directory`, where the zones are too.
    pub(crate) async fn start(
        kind: Kind,
        directory: &Path,
        tidegate: &Tidegate<'_>,
        name: &str,
    ) -> anyhow::Result<Self> {
        let file = directory.join(format!("{}.conf", kind.name().replace(' ', "-")));
        std::fs::write(&file, configuration::of(kind, directory))
            .with_context(|| file.display().to_string())?;
        let file = file.display().to_string();
        let kubeconfig = tidegate.kubeconfig.display().to_string();
        let binary = tidegate.binary.display().to_string();
        let own = std::env::current_exe()?.display().to_string();
        let port = kind.port().to_string();
        let command = match kind {
            Kind::Tidegate => vec![
                &*binary,
                "dns",
                "--corefile",
                &file,
                "--kubeconfig",
                &kubeconfig,
            ],
            Kind::Knot => vec!["knotd", "-c", &file],
            Kind::Nsd => vec!["nsd", "-d", "-c", &file],
            Kind::Unbound => vec!["unbound", "-d", "-c", &file],
            Kind::Dnsmasq => vec!["dnsmasq", "--keep-in-foreground", "-C", &file],
            Kind::Echo => vec![&*own, "--run-echo", &port],
        };
        let core = tidegate.core.unwrap_or(SERVERS_CORE);
        let mut running = Running::start_program(core, &command)?;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        if let Some(status) = running.ended()? {
            bail!("{} doesn't run: it ended with {status}", kind.name());
        }
        if kind != Kind::Echo {
            let answered = ask::until_answered(kind.port(), name).await;
            answered.with_context(|| format!("{} doesn't answer", kind.name()))?;
        }
        running.keep_on(core)?;
        Ok(Self { kind, running })
    }
}

/// What `tidegate dns` needs to be started.
#[derive(Clone, Copy)]
pub(crate) struct Tidegate<'t> {
    pub(crate) binary: &'t Path,
    pub(crate) kubeconfig: &'t Path,
    /// The cores it may run on, if not the servers'.
    pub(crate) core: Option<&'t str>,
}

/// The version that a program tells after the word "version".
pub(crate) fn version(program: &str, flag: &str) -> Option<String> {
    let output = Command::new(program).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).to_lowercase();
    let (_, after) = text.split_once("version ")?;
    after.split_whitespace().next().map(str::to_owned)
}
