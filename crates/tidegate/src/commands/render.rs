//! `render`: the program that manifests would become, without root and without a cluster.

use std::path::PathBuf;

use tidegate_client::manifest;
use tidegate_modes::ModeOptions;

use crate::cli::RenderArgs;
use crate::exit::Failure;
use crate::render::{World, plan};
use crate::say;

/// Prints the program for one node that runs everything.
pub(crate) fn run(args: &RenderArgs) -> Result<(), Failure> {
    let world = read(&args.filenames)?;
    for assumption in &world.assumptions {
        say!("# assumed: {assumption}");
    }
    let plan = plan(&world);
    let program = tidegate_modes::render(args.mode, &plan, &ModeOptions::default());
    say!("{}", program.trim_end());
    Ok(())
}

fn read(files: &[PathBuf]) -> Result<World, Failure> {
    let manifests = manifest::read(files).map_err(Failure::bad_input)?;
    World::imagine(&manifests).map_err(Failure::BadInput)
}
