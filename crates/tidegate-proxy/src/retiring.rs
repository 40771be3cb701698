//! Modes that were switched away from and still carry connections.

use std::time::Duration;

use tidegate_dataplane::{DataplaneError, Retired};
use tokio::time::Instant;

use crate::OpenedMode;

/// How often a retiring mode is asked whether its connections have ended.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Modes on their way out.
pub(crate) struct Retiring<C> {
    modes: Vec<RetiringMode<C>>,
    next_look: Instant,
}

struct RetiringMode<C> {
    opened: OpenedMode,
    choice: C,
    since: Instant,
    connections: usize,
}

impl<C: PartialEq> Retiring<C> {
    pub(crate) fn new() -> Self {
        Self {
            modes: Vec::new(),
            next_look: Instant::now(),
        }
    }

    /// Has a mode give way, which may take until its connections have ended.
    pub(crate) fn add(&mut self, opened: OpenedMode, choice: C, limit: Duration) {
        self.modes.push(RetiringMode {
            opened,
            choice,
            since: Instant::now(),
            connections: 0,
        });
        self.look(limit);
    }

    /// Gives back a mode of this choice, so that its connections needn't end.
    pub(crate) fn take_back(&mut self, choice: &C) -> Option<OpenedMode> {
        let found = self.modes.iter().position(|mode| mode.choice == *choice)?;
        Some(self.modes.swap_remove(found).opened)
    }

    /// Removes modes of this name: another of the same name is about to take their place in the
    /// kernel.
    pub(crate) fn end(&mut self, name: &str) {
        for mode in self.modes.extract_if(.., |mode| mode.name() == name) {
            mode.remove();
        }
    }

    /// Removes all, whatever still goes through them.
    pub(crate) fn end_all(&mut self) {
        self.modes.drain(..).for_each(RetiringMode::remove);
    }

    /// When to look again, if there is anything to look after.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        (!self.modes.is_empty()).then_some(self.next_look)
    }

    /// Lets go of what is done, or has taken longer than the limit.
    pub(crate) fn look(&mut self, limit: Duration) {
        for mode in self
            .modes
            .extract_if(.., |mode| mode.since.elapsed() >= limit)
        {
            tracing::warn!(
                mode = mode.name(),
                connections = mode.connections,
                "the mode has drained for {limit:?}: what still goes through it ends now"
            );
            mode.remove();
        }
        self.modes.retain_mut(|mode| !mode.is_gone());
        self.next_look = Instant::now() + LOOK_EVERY;
    }

    /// How many connections still go through them.
    pub(crate) fn connections(&self) -> usize {
        self.modes.iter().map(|mode| mode.connections).sum()
    }
}

impl<C> RetiringMode<C> {
    fn name(&self) -> &'static str {
        self.opened.dataplane.mode()
    }

    fn is_gone(&mut self) -> bool {
        match self.opened.dataplane.retire() {
            Ok(Retired::Gone) => {
                tracing::info!(mode = self.name(), "nothing is left of the mode");
                true
            }
            Ok(Retired::Draining(connections)) => {
                self.connections = connections;
                false
            }
            Err(error) => {
                report(self.name(), &error);
                false
            }
        }
    }

    fn remove(mut self) {
        if let Err(error) = self.opened.dataplane.remove() {
            report(self.name(), &error);
        }
    }
}

fn report(mode: &'static str, error: &DataplaneError) {
    tracing::error!(mode, %error, "the program of a mode that is no longer used can't be removed");
}
