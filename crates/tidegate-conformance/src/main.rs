//! Runs the contract's rows, and writes or checks the table of them.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what this program finds out is printed"
)]

mod cli;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Parser;
use tidegate_conformance::{
    Cell, IPTABLES_VARIANTS, Kills, MODES, MachineError, Mode, Outcome, Table, Task, UNAVAILABLE,
    WORKERS, change_until_killed, in_vm, mode, rows, run, run_in_vm,
};

use crate::cli::Arguments;

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(name) = &arguments.until_killed {
        let found = change_until_killed(known(name)?, arguments.first_step);
        bail!("{name} mode ended by itself: {found:?}");
    }
    let done = match arguments.kills {
        Some(kills) => kill(&arguments, kills).map(|()| ExitCode::SUCCESS),
        None => try_rows(&arguments),
    };
    match done {
        Err(error) if is_unavailable(&error) => {
            eprintln!("{error:#}");
            Ok(ExitCode::from(u8::try_from(UNAVAILABLE)?))
        }
        done => done,
    }
}

/// Kills the proxy in each mode that is named, on the machine that it needs.
fn kill(arguments: &Arguments, kills: u32) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("this program has no path")?;
    for name in &arguments.modes {
        let mode = known(name)?;
        if mode.needs_vm && !arguments.here {
            in_vm(&program, &arguments.for_vm(name))
                .with_context(|| format!("{name} mode was not killed"))?;
            continue;
        }
        let kills = Kills {
            mode,
            program: program.clone(),
            families: arguments.families().collect(),
            kills,
            seed: arguments.seed,
            losses: mode.losses,
        };
        let report = kills.run();
        let told = |why| anyhow::anyhow!("{name} mode, --seed {}: {why}", kills.seed);
        println!("{name}, --seed {}: {}", kills.seed, report.map_err(told)?);
    }
    Ok(())
}

/// Runs rows, and writes or checks the table.
fn try_rows(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let cells = find_out(arguments)?;
    let failed = cells
        .iter()
        .any(|cell| matches!(cell.outcome, Outcome::Fail(_)));
    if arguments.json {
        println!("{}", serde_json::to_string(&cells)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut differs = false;
    if let Some(path) = &arguments.check {
        for difference in read(path)?.differences(&cells) {
            println!("{difference}");
            differs = true;
        }
    }
    if let Some(path) = &arguments.write {
        let mut all = Vec::new();
        for file in &arguments.take {
            all.extend(taken(file)?);
        }
        all.extend(cells);
        write(path, all)?;
    }
    Ok(ExitCode::from(u8::from(failed || differs)))
}

/// Runs what the arguments ask for, each mode on the machine that it needs.
fn find_out(arguments: &Arguments) -> anyhow::Result<Vec<Cell>> {
    let modes = match arguments.modes.as_slice() {
        [] => MODES.to_vec(),
        names => names
            .iter()
            .map(|name| known(name))
            .collect::<Result<_, _>>()?,
    };
    let (elsewhere, here): (Vec<Mode>, Vec<Mode>) = modes
        .into_iter()
        .partition(|mode| mode.needs_vm && !arguments.here);
    let program = std::env::current_exe().context("this program has no path")?;
    let here = tasks(arguments, &here);
    let mut cells = run(&here, &program, WORKERS, |cell| tell(arguments, cell));
    for mode in elsewhere {
        // It tells its cells on the error output, which is ours too.
        let found = run_in_vm(&program, &arguments.for_vm(mode.name));
        cells.extend(found.with_context(|| format!("{} mode was not run", mode.name))?);
    }
    Ok(cells)
}

fn is_unavailable(error: &anyhow::Error) -> bool {
    let machine = error.downcast_ref::<MachineError>();
    matches!(machine, Some(MachineError::Unavailable))
}

fn tasks(arguments: &Arguments, modes: &[Mode]) -> Vec<Task> {
    let rows = rows().into_iter().filter(|row| arguments.wants(row));
    let rows: Vec<_> = rows.collect();
    let of_mode = |mode: &Mode| {
        let mode = *mode;
        let with_row = |row| {
            arguments
                .families()
                .map(move |family| Task { row, mode, family })
        };
        rows.iter().copied().flat_map(with_row).collect::<Vec<_>>()
    };
    modes.iter().flat_map(of_mode).collect()
}

fn tell(arguments: &Arguments, cell: &Cell) {
    let Cell {
        row,
        family,
        mode,
        outcome,
    } = cell;
    if arguments.json {
        eprintln!("{mode:<10} {family} {row}: {outcome}");
    } else {
        println!("{mode:<10} {family} {row}: {outcome}");
    }
}

fn known(name: &str) -> anyhow::Result<Mode> {
    let names = MODES.iter().chain(IPTABLES_VARIANTS).map(|mode| mode.name);
    let names: Vec<&str> = names.collect();
    mode(name).with_context(|| format!("there is no mode {name:?}: it can be {}", names.join(", ")))
}

fn read(path: &Path) -> anyhow::Result<Table> {
    let page = std::fs::read_to_string(path);
    let page = page.with_context(|| format!("{} can't be read", path.display()))?;
    let table = Table::from_markdown(&page);
    table.with_context(|| format!("{} is not the suite's", path.display()))
}

/// What another run printed.
fn taken(path: &Path) -> anyhow::Result<Vec<Cell>> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("{} can't be read", path.display()))?;
    let cells = serde_json::from_str(&text);
    cells.with_context(|| format!("{} is not what --json prints", path.display()))
}

/// Puts cells into a page. What is in none of them stays as the page has it.
fn write(path: &Path, cells: Vec<Cell>) -> anyhow::Result<()> {
    let mut table = match path.exists() {
        true => read(path)?,
        false => Table::default(),
    };
    table.take(cells);
    let page = table.to_markdown()?;
    std::fs::write(path, page).with_context(|| format!("{} can't be written", path.display()))
}
