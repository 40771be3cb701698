//! Figures of a running `tidegate up`, in a network namespace of its own.
//!
//! A benchmark, not a test: it prints what it measured and judges nothing.

mod delay;
mod load;
mod machine;
mod report;
mod start;

use std::path::PathBuf;

use anyhow::Context;
use clap::Parser;
use nix::sched::{CloneFlags, unshare};

use crate::machine::Machine;
use crate::report::Report;

/// Measures a running tidegate.
#[derive(Parser)]
struct Args {
    /// The tidegate to measure.
    #[arg(long)]
    binary: PathBuf,
    /// How many Services to load it with.
    #[arg(long, default_value_t = 10_000)]
    services: usize,
    /// How many endpoints each of them has.
    #[arg(long, default_value_t = 10)]
    endpoints: usize,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // Before any thread exists: all of this process and of its children is in the new namespace.
    unshare(CloneFlags::CLONE_NEWNET).context("a network namespace needs root")?;
    tokio::runtime::Runtime::new()?.block_on(measure(&args))
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let mut report = Report::default();
    let mut machine = Machine::new(&args.binary)?;
    start::measure(&mut machine, &mut report).await?;
    let client = machine.client().await?;
    delay::measure(&client, &mut report).await?;
    load::measure(
        &client,
        &machine,
        args.services,
        args.endpoints,
        &mut report,
    )
    .await?;
    machine.stop()?;
    report.print();
    if let Some(path) = &args.json {
        std::fs::write(path, report.json())
            .with_context(|| format!("{} can't be written", path.display()))?;
    }
    Ok(())
}
