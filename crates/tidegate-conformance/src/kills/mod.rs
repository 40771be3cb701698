//! A proxy that is killed again and again in the middle of its work, under load.
//!
//! Line 28 of the contract at length: clients of both families and protocols call and hold
//! connections all the while, and the start after the last kill must find out and repair whatever
//! the killed ones left half-done.

mod clients;
mod listing;
mod plans;
mod report;
mod targets;
mod victim;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tidegate_dataplane::{Dataplane, Outcome};
use tidegate_model::IpFamily;
use tidegate_testnet::World;

use crate::{Finding, Mode};

use self::clients::Clients;
pub use self::clients::{Losses, Seen};
use self::listing::{differences, listing};
use self::plans::{PODS, at_rest};
pub use self::report::Report;
use self::victim::Victim;
pub use self::victim::change_until_killed;

/// A proxy to be killed, how often, and who is watching.
#[derive(Clone, Debug)]
pub struct Kills {
    /// The mode that it runs.
    pub mode: Mode,
    /// The suite's own program, which it is.
    pub program: PathBuf,
    /// The families that clients use.
    pub families: Vec<IpFamily>,
    /// How often it is killed.
    pub kills: u32,
    /// What the moments are drawn from.
    pub seed: u64,
    /// What clients may lose with it.
    pub losses: Losses,
}

impl Kills {
    /// Kills it.
    ///
    /// # Errors
    /// What a client noticed that it must not, or what the next start did not repair.
    pub fn run(&self) -> Finding<Report> {
        let begun = Instant::now();
        let world = World::new(PODS);
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut first = Victim::start(&world.node, self, 0)?;
        first.until_updated(1)?;
        let forgets = world.node.with(|| std::fs::write(TIME_WAIT, "1"));
        forgets.map_err(|error| format!("{TIME_WAIT}: {error}"))?;
        let clients = Clients::start(&world, self);
        // Its next updates say how long they take under this load.
        first.until_updated(UPDATES)?;
        let mut report = Report::default();
        let mut typical = first.kill()?.durations;
        for _ in 1..self.kills {
            if clients.has_noticed_something() {
                break;
            }
            let mut victim = Victim::start(&world.node, self, random.random_range(0..4))?;
            let update = random.random_range(0..UPDATES);
            victim.until_begun(update + 1)?;
            let most = typical.get(update).copied().unwrap_or_default();
            std::thread::sleep(most.mul_f64(random.random()));
            let end = victim.kill()?;
            report.in_the_middle += u32::from(end.in_the_middle);
            for (typical, duration) in typical.iter_mut().zip(end.durations) {
                *typical = duration;
            }
        }
        if clients.has_noticed_something() {
            clients.end()?;
            return Err("a client has ended early".to_owned());
        }
        report.updates = typical;
        let (mode, repaired) = self.repair(&world)?;
        report.repaired = repaired.changed;
        clients.all_are_served()?;
        report.seen = clients.end()?;
        let found = world.node.with(listing(self.mode));
        drop(mode);
        let difference = differences(&found, &self.undisturbed()?);
        if !difference.is_empty() {
            return Err(format!("the next start did not repair {difference:#?}"));
        }
        report.kills = self.kills;
        report.took = begun.elapsed();
        report.is_telling()?;
        Ok(report)
    }

    /// Starts as the next proxy does, and gives what its first look changed.
    fn repair(&self, world: &World) -> Finding<(Box<dyn Dataplane>, Outcome)> {
        let mode = self.mode;
        let (mode, looks) = world.node.with(move || {
            let plan = at_rest(mode);
            let mut mode = (mode.open)();
            let looks = [mode.reconcile(&plan), mode.reconcile(&plan)];
            (mode, looks)
        });
        let [first, second] = looks.map(|look| look.map_err(|error| error.to_string()));
        let (first, second) = (first?, second?);
        if let Some(refused) = first.refused.iter().chain(&second.refused).next() {
            return Err(format!("the next start: {refused}"));
        }
        match (second.changed, second.drift.is_empty()) {
            (0, true) => Ok((mode, first)),
            _ => Err(format!("a second look still repairs {second:?}")),
        }
    }

    /// What is listed where nobody was ever killed.
    fn undisturbed(&self) -> Finding<Vec<String>> {
        // One pod, since the node's address towards pods comes with the first of them.
        let world = World::new(1);
        let (mode, list) = (self.mode, listing(self.mode));
        world.node.with(move || {
            let done = (mode.open)().reconcile(&at_rest(mode));
            done.map_err(|error| error.to_string())?;
            Ok(list())
        })
    }
}

/// How many seconds the kernel remembers connections after their end. By default there would be
/// tens of thousands of them after a while, all of which every start looks through.
const TIME_WAIT: &str = "/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_time_wait";

/// How many updates a victim does before it may have done enough.
const UPDATES: usize = 2;

/// How long a victim may take for one update: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(300);
