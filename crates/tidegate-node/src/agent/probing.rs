//! Asking containers how they are, again and again.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::worker::{Happened, Reports};
use crate::pod::machine::ContainerEvent;
use crate::pod::probe::{Handler, ProbeKind, ProbeTiming};
use crate::pod::shape;
use crate::runtime::container::Container;
use crate::runtime::handler::{self, Target};

/// First wait after an attempt that failed before anything succeeded; doubles up to the period.
const FIRST_RETRY: Duration = Duration::from_millis(20);

/// What a probe needs to know about its container.
pub(super) struct Probing {
    pub(super) executable: PathBuf,
    pub(super) container: Arc<Container>,
    pub(super) address: IpAddr,
    pub(super) index: usize,
    pub(super) run: u64,
    pub(super) reports: Reports,
}

impl Probing {
    /// Probes until the handle is dropped. `None` when the pod has no such probe.
    pub(super) fn start(self, pod: &Pod, kind: ProbeKind) -> Option<AbortOnDropHandle<()>> {
        let spec = pod.spec.as_ref()?;
        let (_, container) = shape::containers(spec).nth(self.index)?;
        let probe = kind.of(container)?;
        let (handler, timing) = (Handler::of_probe(probe, container), ProbeTiming::new(probe));
        let task = tokio::spawn(async move { self.repeat(kind, &handler, timing).await });
        Some(AbortOnDropHandle::new(task))
    }

    /// A failure is told once a period, as the pod's author reckons with. But until the first success
    /// the question is asked more often than that, so that a server that needs a moment to come up
    /// is ready after that moment and not a whole period later.
    async fn repeat(self, kind: ProbeKind, handler: &Handler, timing: ProbeTiming) {
        tokio::time::sleep(timing.initial_delay).await;
        let mut next_period = Instant::now();
        let mut eager = (kind != ProbeKind::Liveness).then_some(FIRST_RETRY);
        loop {
            let target = Target {
                executable: &self.executable,
                container: &self.container,
                address: self.address,
            };
            let now = Instant::now();
            let result = handler::run(handler, target, timing.timeout).await;
            let in_time = now >= next_period;
            if result.is_ok() || in_time {
                let event = ContainerEvent::Probed {
                    kind,
                    success: result.is_ok(),
                    message: result.as_ref().err().cloned().unwrap_or_default(),
                };
                let happened = Happened::Container {
                    index: self.index,
                    run: self.run,
                    event,
                };
                if self.reports.send(happened).await.is_err() {
                    return;
                }
            }
            if in_time {
                next_period = now + timing.period;
            }
            if result.is_ok() {
                eager = None;
                next_period = now + timing.period;
            }
            match &mut eager {
                Some(wait) => {
                    tokio::time::sleep_until(next_period.min(Instant::now() + *wait)).await;
                    *wait *= 2;
                }
                None => tokio::time::sleep_until(next_period).await,
            }
        }
    }
}
