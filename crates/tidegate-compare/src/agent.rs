//! The process that runs a mode: its memory and its processor time are the mode's alone.
//!
//! It plans, programs, times changes, reports in one line of JSON, and then keeps the mode running
//! until it is ended.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use tidegate_dataplane::{Dataplane, Outcome};

use crate::modes::Mode;
use crate::process::{self, Memory};
use crate::series::{self, median};
use crate::services::{Cluster, Size};

/// How many changes are timed, at most: an endpoint goes and comes back in each pair.
const CHANGES: usize = 42;

/// How long changes are timed, at most, where a mode is slow.
const CHANGES_TAKE: Duration = Duration::from_secs(15);

/// What the process measured of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Programming {
    /// From all Services being known to their plan, in seconds.
    pub(crate) plan_seconds: f64,
    /// From the plan to the kernel having all of it, in seconds: the median of a few times.
    pub(crate) program_seconds: f64,
    /// From one endpoint's event to the kernel having it, in seconds, change by change.
    pub(crate) change_seconds: Vec<f64>,
    /// For an audit that finds the kernel as it must be, in seconds: the median of a few times.
    pub(crate) audit_seconds: f64,
    /// The process's memory before the mode was opened: the Services and their plan.
    pub(crate) memory_of_plan: Memory,
    /// The process's memory afterwards.
    pub(crate) memory: Memory,
}

/// The line that the process reports in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The mode runs.
    Programmed(Programming),
    /// The mode can't run, and why.
    Failed(String),
}

/// Runs a mode on the calling thread's network namespace until this process is ended.
pub(crate) fn run(mode: Mode, size: Size) -> anyhow::Result<()> {
    let programmed = program(mode, size);
    let (report, running) = match programmed {
        Ok((programming, dataplane)) => (Report::Programmed(programming), Some(dataplane)),
        Err(error) => (Report::Failed(format!("{error:#}")), None),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(&report)?)?;
    out.flush()?;
    // Its rules go with the network namespace, in which there is nothing else.
    while running.is_some() {
        std::thread::park();
    }
    Ok(())
}

fn program(mode: Mode, size: Size) -> anyhow::Result<(Programming, Box<dyn Dataplane>)> {
    let mut cluster = Cluster::new(size);
    let begun = Instant::now();
    cluster.plan();
    let plan_seconds = begun.elapsed().as_secs_f64();
    let own = std::process::id();
    let memory_of_plan = process::memory(own)?;
    let mut dataplane = mode.open()?;
    let program_seconds = time_programming(&cluster, dataplane.as_mut())?;
    let change_seconds = time_changes(&mut cluster, dataplane.as_mut(), size)?;
    let audit_seconds = time_audits(&cluster, dataplane.as_mut())?;
    let programming = Programming {
        plan_seconds,
        program_seconds,
        change_seconds,
        audit_seconds,
        memory_of_plan,
        memory: process::memory(own)?,
    };
    Ok((programming, dataplane))
}

/// Programs everything from empty: several times where that is quick, of which the median counts.
fn time_programming(cluster: &Cluster, dataplane: &mut dyn Dataplane) -> anyhow::Result<f64> {
    let mut times = Vec::new();
    loop {
        let begun = Instant::now();
        let outcome = dataplane.reconcile(cluster.planner.plan())?;
        times.push(begun.elapsed().as_secs_f64());
        nothing_refused(&outcome)?;
        if series::is_enough(&times) {
            return median(times).context("it was programmed at least once");
        }
        dataplane.remove()?;
    }
}

/// Changes Services in the middle, one endpoint at a time. In the end all is as it was.
fn time_changes(
    cluster: &mut Cluster,
    dataplane: &mut dyn Dataplane,
    size: Size,
) -> anyhow::Result<Vec<f64>> {
    let begun = Instant::now();
    let mut times = Vec::new();
    let mut service = size.services / 2;
    while times.len() < CHANGES && begun.elapsed() < CHANGES_TAKE {
        for away in [true, false] {
            let event = cluster.moved(service, away);
            let begun = Instant::now();
            let delta = cluster.receive(event);
            let outcome = dataplane.apply(&delta)?;
            times.push(begun.elapsed().as_secs_f64());
            nothing_refused(&outcome)?;
            ensure!(!delta.is_empty(), "an endpoint's event changed nothing");
        }
        service = (service + 1) % size.services;
    }
    Ok(times)
}

/// Compares the kernel with the plan: several times where that is quick.
fn time_audits(cluster: &Cluster, dataplane: &mut dyn Dataplane) -> anyhow::Result<f64> {
    // What changes left behind is none of the audits' work.
    nothing_refused(&dataplane.reconcile(cluster.planner.plan())?)?;
    let mut times = Vec::new();
    while !series::is_enough(&times) {
        let begun = Instant::now();
        nothing_refused(&dataplane.reconcile(cluster.planner.plan())?)?;
        times.push(begun.elapsed().as_secs_f64());
    }
    median(times).context("there was at least one audit")
}

fn nothing_refused(outcome: &Outcome) -> anyhow::Result<()> {
    match outcome.refused.first() {
        None => Ok(()),
        Some(refusal) => Err(anyhow::anyhow!("{refusal}")).context("the program is incomplete"),
    }
}
