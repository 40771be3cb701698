//! A run: the cluster is made, the servers get the same names, and each is measured.

mod freshness;
mod rounds;

pub(crate) use rounds::MODEST_RATE;

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tempfile::TempDir;

use crate::api::Api;
use crate::ask;
use crate::cluster::{Size, domain_name};
use crate::cluster_writer::Writer;
use crate::options::Options;
use crate::process::busy_seconds;
use crate::results::{Memory, Results};
use crate::servers::{Kind, Server, Tidegate, version};
use crate::zone;
use tidegate_figures::Machine;

/// How long memory and processor are left to settle before they are looked at.
const REST: Duration = Duration::from_secs(2);

/// A name that every cluster has.
const OF_THE_API: &str = "kubernetes.default.svc.cluster.local.";

/// Measures everything.
pub(crate) async fn measure(options: &Options) -> anyhow::Result<Results> {
    let files = TempDir::with_prefix("tidegate-dns-compare-")?;
    let directory = files.path();
    for part in ["api", "knot"] {
        std::fs::create_dir(directory.join(part))?;
    }
    let (size, effort) = (options.size(), options.effort());
    let api = Api::start(&directory.join("api"))?;
    let writer = Writer::new(&api.kubeconfig).await?;
    let binary = find(&options.binary)?;
    let tidegate = Tidegate {
        binary: &binary,
        kubeconfig: &api.kubeconfig,
        core: None,
    };
    say(format_args!("{} Services are created", size.services));
    let (server, memory) = fill(directory, &tidegate, &writer, size).await?;
    let cluster_ips = zone::write_files(directory, Kind::Tidegate.port(), size)?;

    let mut servers = vec![server];
    for kind in Kind::ALL {
        if kind != Kind::Tidegate {
            say(format_args!("{} is started", kind.name()));
            let name = domain_name(size.services - 1);
            servers.push(Server::start(kind, directory, &tidegate, &name).await?);
        }
    }
    let others_busy = others_busy().await?;
    let peers = rounds::measure(&servers, directory, size, &cluster_ips, effort)?;
    drop(servers);

    say(format_args!("endpoints change"));
    // Here it works as it would on such a machine: on all cores.
    let everywhere = Tidegate {
        core: Some("0,1"),
        ..tidegate
    };
    let name = domain_name(size.services - 1);
    let server = Server::start(Kind::Tidegate, directory, &everywhere, &name).await?;
    let freshness = freshness::measure(&writer, size, effort.change()).await?;
    drop(server);
    Ok(Results {
        machine: Machine::here(),
        versions: versions(),
        others_busy,
        effort,
        services: options.services,
        endpoints: options.endpoints,
        peers,
        memory,
        freshness,
    })
}

/// Fills the cluster while tidegate looks on, starts it again, and gives it with what it took.
async fn fill(
    directory: &Path,
    tidegate: &Tidegate<'_>,
    writer: &Writer,
    size: Size,
) -> anyhow::Result<(Server, Memory)> {
    let start = async |name: &str| Server::start(Kind::Tidegate, directory, tidegate, name).await;
    let first = start(OF_THE_API).await?;
    tokio::time::sleep(REST).await;
    let empty = first.running.memory()?;
    writer.create_all(size).await?;
    let last = domain_name(size.services - 1);
    ask::until_answered(Kind::Tidegate.port(), &last).await?;
    tokio::time::sleep(REST).await;
    let grown = first.running.memory()?;
    drop(first);
    let second = start(&last).await?;
    tokio::time::sleep(REST).await;
    let memory = Memory {
        empty,
        grown,
        started: second.running.memory()?,
    };
    Ok((second, memory))
}

/// How many processors are busy while every server rests.
async fn others_busy() -> anyhow::Result<f64> {
    let before = busy_seconds()?;
    tokio::time::sleep(REST).await;
    Ok((busy_seconds()? - before) / REST.as_secs_f64())
}

/// A program's path, where only its name may be given.
fn find(program: &Path) -> anyhow::Result<std::path::PathBuf> {
    let is_name = program.components().count() == 1;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|place| place.join(program));
    let found = match is_name {
        true => places.into_iter().find(|place| place.is_file()),
        false => program.canonicalize().ok(),
    };
    found.with_context(|| format!("{} isn't there; --binary names it", program.display()))
}

fn versions() -> Vec<(String, String)> {
    let servers = Kind::ALL.map(|kind| (kind.name(), kind.version()));
    let client = ("dnsperf", version("dnsperf", "-H"));
    let all = servers.into_iter().chain([client]);
    all.filter_map(|(name, version)| Some((name.to_owned(), version?)))
        .collect()
}

/// Tells whoever waits what is done now.
fn say(what: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    // Nobody may be looking.
    let _written = writeln!(std::io::stderr(), "{what}");
}
