//! Compares the proxy modes with each other, with a direct connection and with HAProxy.
//!
//! A benchmark, not a test: it says what it measured, and beside the aims what was reached.

mod agent;
mod haproxy;
mod machine;
mod measure;
mod modes;
mod options;
mod plain_tools;
mod process;
mod progress;
mod report;
mod results;
mod series;
mod services;
mod site;
mod traffic;

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::options::Options;
use crate::report::Part;
use crate::results::Results;
use crate::services::Size;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(command) = &options.run_program {
        return process::become_program(command);
    }
    if let Some(mode) = options.run_mode {
        process::end_with_parent()?;
        let size = Size {
            services: options.services[0],
            endpoints: options.endpoints,
        };
        return agent::run(mode, size);
    }
    let results = match &options.from {
        Some(path) => Results::read(path)?,
        None => {
            // Processes that serve inherit it: they hold ten thousand listeners, and connections.
            let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
            setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
            measure::measure(&options)?
        }
    };
    if let Some(path) = &options.json {
        write(path, &format!("{}\n", serde_json::to_string(&results)?))?;
    }
    let beside = options.beside.as_deref().map(Results::read).transpose()?;
    show(&options, &results, beside.as_ref())
}

/// Prints the tables, and writes them and the plots where that is asked for.
fn show(options: &Options, results: &Results, beside: Option<&Results>) -> anyhow::Result<()> {
    let mut parts = vec![Part {
        heading: "On the machine itself",
        note: "",
        prefix: "",
        results,
    }];
    parts.extend(beside.map(|results| Part {
        heading: "In a virtual machine whose kernel has IPVS",
        note: "The processors are emulated: times are ten to twenty times longer than on a machine, \
               and only ratios can be compared with those above.\n\n",
        prefix: "vm-",
        results,
    }));
    let page = report::page(&parts);
    let _printed = std::io::stdout().lock().write_all(page.as_bytes());
    if let Some(path) = &options.markdown {
        write(path, &page)?;
    }
    if let Some(directory) = &options.plots {
        std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        for (name, plot) in parts.iter().flat_map(report::plots) {
            write(&directory.join(name), &plot)?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} can't be written", path.display()))
}
