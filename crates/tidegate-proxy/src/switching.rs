//! Other settings and other modes, while connections go on.

use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::engine::PlannedAnew;
use crate::events::Event;
use crate::{ModeFactory, OpenedMode, Proxy, ProxyConfig};

impl<F: ModeFactory> Proxy<F> {
    /// Puts the configuration that was asked for into force, or stays with all of the one before.
    pub(crate) fn reconfigure(&mut self) {
        let (config, choice) = self.wanted.borrow_and_update().clone();
        let switched = match choice == self.choice || self.adjust(&choice) {
            true => {
                self.config = config;
                self.adapt();
                Ok(None)
            }
            false => block_in_place(|| self.switch(config, choice)).map(Some),
        };
        if let Err(reason) = &switched {
            let mode = self.engine.mode();
            tracing::error!(mode, "the configuration before stays in force: {reason}");
            self.events.tell(Event::mode_refused(mode, reason));
        }
        let mode = self.engine.mode();
        let late_after = self.config.late_after();
        let draining = self.retiring.connections();
        self.status.send_modify(|status| {
            match switched {
                Ok(Some(reason)) => {
                    status.mode = mode;
                    status.reason = reason;
                    status.rejected = None;
                }
                Ok(None) => status.rejected = None,
                Err(reason) => status.rejected = Some(reason),
            }
            status.late_after = late_after;
            status.draining = draining;
            status.reconfigurations += 1;
        });
    }

    /// Has the mode at work take another choice, where it can without being opened anew.
    fn adjust(&mut self, choice: &F::Choice) -> bool {
        let serving = self.engine.dataplane();
        let adjusted = self.factory.adjust(serving, &self.choice, choice);
        if adjusted {
            let mode = self.engine.mode();
            tracing::info!(mode, "the mode goes on with other options");
            self.choice = choice.clone();
            // The program in the kernel may have to be another one.
            self.next_check = Instant::now();
        }
        adjusted
    }

    /// Plans anew if the settings are others by now.
    pub(crate) fn adapt(&mut self) {
        let settings = self.surroundings.settings(&self.config);
        if settings == self.engine.plan().settings {
            return;
        }
        self.settings.send_replace(settings.clone());
        if !self.status.borrow().attempted() {
            self.engine.start_under(settings);
            return;
        }
        let (news, attempt) = block_in_place(|| {
            let anew = PlannedAnew::with(settings, &self.subscription.snapshot());
            (self.engine.replan(anew), self.engine.reconcile())
        });
        self.pass_on(news);
        self.record(attempt);
    }

    /// Works in another mode once that serves everything; gives the reason why it is this one, or
    /// why it can't be.
    fn switch(&mut self, config: ProxyConfig, choice: F::Choice) -> Result<String, String> {
        let OpenedMode { dataplane, reason } = match self.retiring.take_back(&choice) {
            Some(opened) => opened,
            None => self.open_anew(&choice)?,
        };
        let mode = dataplane.mode();
        let settings = self.surroundings.settings(&config);
        if !self.status.borrow().attempted() {
            self.engine.start_with(dataplane, settings.clone());
        } else {
            let anew = PlannedAnew::with(settings.clone(), &self.subscription.snapshot());
            let handed_over = self.engine.hand_over(dataplane, anew);
            let (predecessor, attempt) = handed_over.map_err(|error| {
                self.next_check = Instant::now().min(self.next_check);
                format!("{mode} mode could not take over: {error}")
            })?;
            // The same mode with other options has taken over the kernel's program as well.
            if predecessor.mode() != mode {
                let before = OpenedMode {
                    dataplane: predecessor,
                    reason: self.status.borrow().reason.clone(),
                };
                let limit = config.drain_limit;
                self.retiring.add(before, self.choice.clone(), limit);
            }
            self.record(attempt);
        }
        self.config = config;
        self.choice = choice;
        self.settings.send_replace(settings);
        tracing::info!(mode, "the proxy's mode: {reason}");
        self.events.tell(Event::mode_switched(mode, &reason));
        Ok(reason)
    }

    fn open_anew(&mut self, choice: &F::Choice) -> Result<OpenedMode, String> {
        let opened = self.factory.open(choice);
        let opened = opened.map_err(|error| error.to_string())?;
        self.retiring.end(opened.dataplane.mode());
        Ok(opened)
    }
}
