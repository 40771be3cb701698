//! Compares `tidegate dns` with Knot DNS, NSD, unbound and dnsmasq, all of them answering the same
//! names, and measures its memory and how soon it knows of a change.
//!
//! A benchmark, not a test: it says what it measured, and beside the aims what was reached.

mod api;
mod ask;
mod cluster;
mod cluster_writer;
mod dnsperf;
mod measure;
mod options;
mod process;
mod questions;
mod report;
mod results;
mod series;
mod servers;
mod zone;

use std::io::Write;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use clap::Parser;
use nix::sched::{CloneFlags, unshare};

use crate::options::Options;
use crate::results::Results;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(command) = &options.run_program {
        return process::become_program(command);
    }
    if let Some(directory) = &options.run_api {
        process::end_with_parent()?;
        return runtime()?.block_on(api::serve(directory));
    }
    if let Some(port) = options.run_echo {
        return servers::echo::serve(port);
    }
    let results = match &options.from {
        Some(path) => Results::read(path)?,
        None => {
            enter_namespace()?;
            runtime()?.block_on(measure::measure(&options))?
        }
    };
    if let Some(path) = &options.json {
        write(path, &format!("{}\n", serde_json::to_string(&results)?))?;
    }
    let page = report::page(&results);
    let _printed = std::io::stdout().lock().write_all(page.as_bytes());
    if let Some(path) = &options.markdown {
        write(path, &page)?;
    }
    if let Some(path) = &options.plot {
        write(path, &report::plot(&results))?;
    }
    Ok(())
}

/// Gives this process and its children a network of their own. No thread may exist before.
fn enter_namespace() -> anyhow::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
    let status = Command::new("ip")
        .args(["link", "set", "lo", "up"])
        .status()?;
    ensure!(status.success(), "the loopback interface can't be set up");
    Ok(())
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Runtime::new()?)
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
}
