//! Runs rows, many at a time.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use tidegate_dataplane::Unsupported;
use tidegate_model::IpFamily;

use crate::impossible::why_not;
use crate::{Bench, Mode, Outcome, Row};

/// How many rows should run at a time. Most of them wait most of the time: for silence.
pub const WORKERS: usize = 6;

/// One cell to find out.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// The row.
    pub row: Row,
    /// The column.
    pub mode: Mode,
    /// The family.
    pub family: IpFamily,
}

/// One cell of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The row's name.
    pub row: String,
    /// `IPv4` or `IPv6`.
    pub family: String,
    /// The mode's name.
    pub mode: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Runs tasks, so many at a time, and gives their cells in the same order, telling each as it ends.
///
/// `program` is the suite's own program: a row that kills a proxy starts it.
pub fn run(
    tasks: &[Task],
    program: &Path,
    workers: usize,
    tell: impl Fn(&Cell) + Sync,
) -> Vec<Cell> {
    let next = Mutex::new(0..tasks.len());
    let cells: Mutex<Vec<Option<Cell>>> = Mutex::new(vec![None; tasks.len()]);
    let take = || next.lock().expect("nobody panics here").next();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(index) = take() {
                    let cell = run_one(&tasks[index], program);
                    tell(&cell);
                    cells.lock().expect("nobody panics here")[index] = Some(cell);
                }
            });
        }
    });
    let cells = cells.into_inner().expect("nobody panics here");
    cells.into_iter().flatten().collect()
}

fn run_one(task: &Task, program: &Path) -> Cell {
    let Task { row, mode, family } = task;
    let attempt = || {
        let mut bench = Bench::new(*mode, *family, program);
        let found = catch_unwind(AssertUnwindSafe(|| (row.body)(&mut bench)));
        let refusals = bench.refusals().to_vec();
        (found.unwrap_or_else(|panic| Err(text_of(&panic))), refusals)
    };
    let (found, refusals) =
        catch_unwind(attempt).unwrap_or_else(|panic| (Err(text_of(&panic)), Vec::new()));
    let refusal = refusals.iter().find_map(|one| match one {
        Unsupported::Capability { capability, .. } => row
            .about
            .contains(capability)
            .then(|| capability.to_string()),
        Unsupported::Scheduler { .. } => None,
    });
    let impossible = why_not(mode.column, row, *family);
    let outcome = match (found, refusal, impossible) {
        (Ok(()), _, None) => Outcome::Pass,
        (Ok(()), _, Some(reason)) => Outcome::Fail(format!(
            "it holds, but is listed as not possible because {reason}"
        )),
        (Err(_), Some(capability), _) => Outcome::Refused(capability),
        (Err(_), None, Some(reason)) => Outcome::NotPossible(reason.to_owned()),
        (Err(why), None, None) => Outcome::Fail(why),
    };
    Cell {
        row: row.name.to_owned(),
        family: family.to_string(),
        mode: mode.column.to_owned(),
        outcome,
    }
}

fn text_of(panic: &Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("it panicked").to_owned()
}
