//! What the proxy counts and measures: kube-proxy's metrics under kube-proxy's names.

mod render;
mod slis;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tidegate_dataplane::{Gauge, Histogram};
use tidegate_model::{IpFamily, ServiceKey};
use tidegate_plan::{PlanKey, ServicePlan};
use tidegate_watch::Backlog;

pub(crate) use render::{render, render_process};
pub(crate) use slis::render_slis;

use crate::engine::Attempt;
use crate::no_local::NoLocalEndpoints;

/// The measures of one proxy since it started.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    measured: Mutex<Measured>,
}

#[derive(Clone, Debug, Default)]
struct Measured {
    /// One for [each family](IpFamily::ALL). What is about both counts in both.
    families: [Family; 2],
    /// Changes that the loop has taken up since the start, and those that are not in force yet.
    heard: Backlog,
    unfinished: Backlog,
    /// Failed attempts by mode.
    failures: BTreeMap<&'static str, u64>,
    /// Answers by code of `/healthz` and `/livez`.
    healthz: BTreeMap<u16, u64>,
    livez: BTreeMap<u16, u64>,
    /// How often the metrics server was asked whether it answers.
    pings: u64,
    last_full_sync: Duration,
    gauges: Vec<Gauge>,
}

#[derive(Clone, Debug)]
struct Family {
    syncs: Histogram,
    full_syncs: Histogram,
    partial_syncs: Histogram,
    /// From the cause of a change of endpoints until it is in force.
    programming: Histogram,
    last_sync: Option<Timestamp>,
    last_queued: Option<Timestamp>,
    no_local: NoLocalEndpoints,
}

impl Default for Family {
    fn default() -> Self {
        let up_to_a_minute = (1..=60).map(f64::from);
        let up_to_two = (13..=23).map(|fives| f64::from(fives) * 5.0);
        let up_to_five = (4..=10).map(|halves| f64::from(halves) * 30.0);
        Self {
            syncs: Histogram::of_work(),
            full_syncs: Histogram::of_work(),
            partial_syncs: Histogram::of_work(),
            programming: Histogram::new(
                [0.25, 0.5]
                    .into_iter()
                    .chain(up_to_a_minute)
                    .chain(up_to_two)
                    .chain(up_to_five),
            ),
            last_sync: None,
            last_queued: None,
            no_local: NoLocalEndpoints::default(),
        }
    }
}

impl Metrics {
    /// The loop has taken up changes.
    pub(crate) fn heard(&self, backlog: &Backlog) {
        let mut measured = self.lock();
        let measured = &mut *measured;
        for counts in [&mut measured.heard, &mut measured.unfinished] {
            counts.services += backlog.services;
            counts.slices += backlog.slices;
        }
        let now = Timestamp::now();
        for family in &mut measured.families {
            family.last_queued = Some(now);
        }
    }

    /// The kernel was told something, with or without success.
    pub(crate) fn attempted(
        &self,
        attempt: &Attempt,
        mode: &'static str,
        no_local: [NoLocalEndpoints; 2],
    ) {
        let mut measured = self.lock();
        *measured.failures.entry(mode).or_default() += u64::from(!attempt.complete);
        if attempt.full {
            measured.last_full_sync = attempt.took;
        }
        for (family, counts) in IpFamily::ALL.into_iter().zip(no_local) {
            let measures = measured.of(family);
            measures.no_local = counts;
            if attempt.families.contains(&family) {
                measures.syncs.observe(attempt.took);
                match attempt.full {
                    true => measures.full_syncs.observe(attempt.took),
                    false => measures.partial_syncs.observe(attempt.took),
                }
            }
        }
    }

    /// All changes that were heard are in force.
    pub(crate) fn in_force(&self, families: &BTreeSet<IpFamily>) {
        let mut measured = self.lock();
        measured.unfinished = Backlog::default();
        let now = Timestamp::now();
        for family in families {
            measured.of(*family).last_sync = Some(now);
        }
    }

    /// A change of a Service's endpoints is in force, whose cause happened at that time.
    pub(crate) fn programmed(
        &self,
        service: &ServiceKey,
        cause: Timestamp,
        services: &BTreeMap<PlanKey, Arc<ServicePlan>>,
    ) {
        // Clocks of two machines may disagree.
        let took = Duration::try_from(cause.duration_until(Timestamp::now())).unwrap_or_default();
        for family in IpFamily::ALL {
            let key = PlanKey {
                service: service.clone(),
                family,
            };
            if services.contains_key(&key) {
                self.lock().of(family).programming.observe(took);
            }
        }
    }

    /// How long the last comparison of the whole program took.
    pub(crate) fn last_full_sync(&self) -> Duration {
        self.lock().last_full_sync
    }

    pub(crate) fn answered_healthz(&self, code: u16) {
        *self.lock().healthz.entry(code).or_default() += 1;
    }

    pub(crate) fn answered_livez(&self, code: u16) {
        *self.lock().livez.entry(code).or_default() += 1;
    }

    pub(crate) fn answered_ping(&self) {
        self.lock().pings += 1;
    }

    pub(crate) fn pings(&self) -> u64 {
        self.lock().pings
    }

    /// Counts the pings from none again.
    pub(crate) fn forget_pings(&self) {
        self.lock().pings = 0;
    }

    pub(crate) fn keep_gauges(&self, gauges: &[Gauge]) {
        self.lock().gauges = gauges.to_vec();
    }

    pub(crate) fn kept_gauges(&self) -> Vec<Gauge> {
        self.lock().gauges.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Measured {
    fn of(&mut self, family: IpFamily) -> &mut Family {
        &mut self.families[usize::from(family == IpFamily::V6)]
    }
}
