//! `cleanup`: removes what a tidegate that could not clean up after itself left behind.

use anyhow::anyhow;
use tidegate_modes::{ModeOptions, open_others};
use tidegate_node::CleanupConfig;

use crate::cli::CleanupArgs;
use crate::exit::Failure;
use crate::say;

/// Removes rules, links, mounts, control groups and processes; what fails doesn't stop the rest.
pub(crate) async fn run(args: &CleanupArgs) -> Result<(), Failure> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Failure::Machine(anyhow!(
            "cleanup removes rules, links and processes: run it as root"
        )));
    }
    let report = tidegate_node::cleanup(&CleanupConfig {
        data_dir: std::path::absolute(&args.data_dir).map_err(anyhow::Error::from)?,
    })
    .await;
    for removed in &report.removed {
        say!("removed {removed}");
    }
    let mut failures: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    for mut mode in open_others(None, &ModeOptions::default()) {
        failures.extend(mode.remove().err().map(|error| error.to_string()));
    }
    match tidegate_node_local::remove() {
        Ok(removed) => {
            for address in removed {
                say!("removed the address {address} of this node's DNS");
            }
        }
        Err(error) => failures.push(error.to_string()),
    }
    if failures.is_empty() {
        say!(
            "nothing of tidegate is left on this machine but {}",
            args.data_dir.display()
        );
        return Ok(());
    }
    Err(Failure::Failed(anyhow!(
        "some traces could not be removed:\n  {}",
        failures.join("\n  ")
    )))
}
