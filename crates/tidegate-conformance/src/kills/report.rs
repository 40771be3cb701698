//! What came of it, in figures.

use std::fmt;
use std::time::Duration;

use super::clients::Seen;
use crate::Finding;

/// What came of killing a proxy.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How often it was killed.
    pub kills: u32,
    /// How often that was in the middle of an update.
    pub in_the_middle: u32,
    /// How long its updates take that kills were aimed at, the comparison at its start first.
    pub updates: Vec<Duration>,
    /// What clients saw.
    pub seen: Seen,
    /// How many objects the start after the last kill changed.
    pub repaired: usize,
    /// How long all of it took.
    pub took: Duration,
}

impl Report {
    /// Whether this tells anything of a proxy that is killed in the middle of its work.
    pub(super) fn is_telling(&self) -> Finding {
        match (2 * self.in_the_middle >= self.kills, self.seen.answered > 0) {
            (true, true) => Ok(()),
            _ => Err(format!("most kills hit nothing: {self}")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen {
            answered,
            lost,
            held,
            exchanges,
        } = self.seen;
        let (kills, in_the_middle, repaired) = (self.kills, self.in_the_middle, self.repaired);
        write!(
            f,
            "{kills} kills in {:.1} s, {in_the_middle} of them in the middle of an update",
            self.took.as_secs_f64()
        )?;
        for (number, update) in self.updates.iter().enumerate() {
            let before = if number == 0 { " (which take" } else { "," };
            write!(f, "{before} {:.1}", update.as_secs_f64() * 1000.0)?;
        }
        write!(
            f,
            " ms); {answered} calls answered, {lost} lost; {exchanges} exchanges over {held} held \
             connections; the next start changed {repaired} objects"
        )
    }
}
