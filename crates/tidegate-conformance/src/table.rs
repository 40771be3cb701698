//! The table of all outcomes, as it stands in the documentation.

use std::collections::BTreeMap;

use tidegate_model::IpFamily;

use crate::{Cell, Outcome};

/// All outcomes: of each row, in each mode and family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    cells: BTreeMap<Place, Outcome>,
}

/// Where a cell is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    mode: String,
    row: String,
    family: String,
}

impl Table {
    /// Puts cells in place of what was there.
    pub fn take(&mut self, cells: impl IntoIterator<Item = Cell>) {
        for cell in cells {
            let place = Place {
                mode: cell.mode,
                row: cell.row,
                family: cell.family,
            };
            self.cells.insert(place, cell.outcome);
        }
    }

    /// What became of a row.
    pub fn outcome(&self, row: &str, mode: &str, family: IpFamily) -> Option<&Outcome> {
        self.cells.get(&Place {
            mode: mode.to_owned(),
            row: row.to_owned(),
            family: family.to_string(),
        })
    }

    /// How cells differ from this table, a line each.
    pub fn differences(&self, cells: &[Cell]) -> Vec<String> {
        let of_cell = |cell: &Cell| {
            let family = IpFamily::ALL
                .into_iter()
                .find(|family| family.to_string() == cell.family)?;
            let there = self.outcome(&cell.row, &cell.mode, family);
            let there = match there {
                Some(there) if *there == cell.outcome => return None,
                Some(there) => there.to_string(),
                None => "nothing".to_owned(),
            };
            Some(format!(
                "{} in {} over {}: the table says {there}; now it is {}",
                cell.row, cell.mode, cell.family, cell.outcome
            ))
        };
        cells.iter().filter_map(of_cell).collect()
    }
}
