//! No row holds where nothing is done: each of them asserts something.

use std::path::Path;

use tidegate_conformance::{Losses, Mode, Outcome, Task, rows, run};
use tidegate_dataplane::{Dataplane, MemoryDataplane};
use tidegate_model::IpFamily;

/// Rows that wait for an answer wait long, so all of them do so at the same time.
const WORKERS: usize = 64;

#[test]
fn a_mode_that_does_nothing_fails_every_row() {
    let mode = Mode {
        name: "nothing",
        column: "nothing",
        open: || -> Box<dyn Dataplane> { Box::new(MemoryDataplane::default()) },
        flush: &[],
        edit: &[],
        list: &[],
        uses_programs: false,
        losses: Losses::Nothing,
        needs_vm: false,
        neighbour: "nothing",
    };
    let of_row = |row| Task {
        row,
        mode,
        family: IpFamily::V4,
    };
    let tasks: Vec<Task> = rows().into_iter().map(of_row).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_tidegate-conformance"));
    let cells = run(&tasks, program, WORKERS, |_| {});
    let held = cells
        .iter()
        .filter(|cell| !matches!(cell.outcome, Outcome::Fail(_)));
    let held: Vec<String> = held
        .map(|cell| format!("{}: {}", cell.row, cell.outcome))
        .collect();
    assert!(held.is_empty(), "{held:#?}");
    assert_eq!(cells.len(), tasks.len());
}
