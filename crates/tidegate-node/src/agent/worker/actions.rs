//! Carrying out what the state machine says. Whatever takes time happens in tasks that report back.

use std::sync::Arc;
use std::time::Duration;

use kube::ResourceExt;
use nix::sys::signal::Signal;

use super::{Happened, PodWorker};
use crate::agent::hooks::{self, Hook};
use crate::agent::{launch, probing, setup};
use crate::pod::machine::{Action, ContainerEvent};
use crate::pod::probe::ProbeKind;

/// No hook after a start runs longer.
const POST_START: Duration = Duration::from_secs(600);

impl PodWorker {
    pub(super) fn carry_out(&mut self, action: Action) {
        match action {
            Action::CreateSandbox => {
                let (context, pod) = (Arc::clone(&self.context), Arc::clone(&self.pod));
                self.in_background(async move {
                    Happened::Sandbox(setup::sandbox(&context, &pod).await)
                });
            }
            Action::RemoveSandbox => self.remove_sandbox(),
            Action::Start { index, attempt } => self.start(index, attempt),
            Action::Probe { index, kind } => self.probe(index, kind),
            Action::StopProbe { index, kind } => drop(self.probes.remove(&(index, kind))),
            Action::PreStop { index, limit } => self.pre_stop(index, limit),
            Action::Terminate { index } => self.signal(index, Signal::SIGTERM),
            Action::Kill { index } => self.signal(index, Signal::SIGKILL),
            Action::Event {
                warning,
                reason,
                message,
            } => {
                self.context
                    .events
                    .record(&self.pod, warning, reason, message);
            }
        }
    }

    fn start(&self, index: usize, attempt: u32) {
        let Some(sandbox) = self.sandbox.clone() else {
            return;
        };
        let (context, pod) = (Arc::clone(&self.context), Arc::clone(&self.pod));
        let logs = Arc::clone(&self.logs);
        self.in_background(async move {
            let result = launch::container(&context, &pod, index, attempt, &sandbox, &logs).await;
            Happened::Launched { index, result }
        });
    }

    fn remove_sandbox(&mut self) {
        let sandbox = self.sandbox.take();
        self.probes.clear();
        self.in_background(async move {
            if let Some(sandbox) = sandbox {
                for problem in sandbox.remove().await {
                    tracing::warn!(%problem, "removing a pod");
                }
            }
            Happened::SandboxRemoved
        });
    }

    fn probe(&mut self, index: usize, kind: ProbeKind) {
        let (Some(live), Some(address)) = (self.live.get(&index), self.address()) else {
            return;
        };
        let probe = probing::Probing {
            executable: self.context.config.executable.clone(),
            container: Arc::clone(&live.container),
            address,
            index,
            run: live.run,
            reports: self.reports.clone(),
        };
        if let Some(task) = probe.start(&self.pod, kind) {
            self.probes.insert((index, kind), task);
        }
    }

    fn pre_stop(&self, index: usize, limit: Duration) {
        let (Some(live), Some(address)) = (self.live.get(&index), self.address()) else {
            return;
        };
        let hook = Hook::PreStop.handler(&self.pod, index);
        let (run, container) = (live.run, Arc::clone(&live.container));
        let executable = self.context.config.executable.clone();
        self.in_background(async move {
            let failure = match hook {
                Some(hook) => hooks::run(&hook, &executable, &container, address, limit)
                    .await
                    .err(),
                None => None,
            };
            Happened::Container {
                index,
                run,
                event: ContainerEvent::PreStopDone { failure },
            }
        });
    }

    /// A container whose hook fails is killed, as in Kubernetes; its restart policy decides the rest.
    pub(super) fn post_start(&self, index: usize) {
        let (Some(live), Some(address)) = (self.live.get(&index), self.address()) else {
            return;
        };
        let Some(hook) = Hook::PostStart.handler(&self.pod, index) else {
            return;
        };
        let (context, pod) = (Arc::clone(&self.context), Arc::clone(&self.pod));
        let container = Arc::clone(&live.container);
        tokio::spawn(async move {
            let executable = &context.config.executable;
            let Err(message) = hooks::run(&hook, executable, &container, address, POST_START).await
            else {
                return;
            };
            let message = format!("PostStartHook failed: {message}");
            context
                .events
                .record(&pod, true, "FailedPostStartHook", message);
            if let Err(error) = container.signal(Signal::SIGKILL) {
                tracing::warn!(%error, "killing a container whose hook failed");
            }
        });
    }

    fn signal(&self, index: usize, signal: Signal) {
        let Some(live) = self.live.get(&index) else {
            return;
        };
        if let Err(error) = live.container.signal(signal) {
            tracing::warn!(pod = self.pod.name_any(), %error, %signal, "signalling a container");
        }
    }

    /// Where probes reach the pod.
    fn address(&self) -> Option<std::net::IpAddr> {
        let own = self
            .sandbox
            .as_ref()
            .and_then(|sandbox| sandbox.addresses().first().copied());
        own.or_else(|| self.context.node_ips.first().copied())
    }

    fn in_background(&self, work: impl Future<Output = Happened> + Send + 'static) {
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let happened = work.await;
            // Nobody listens when the worker was stopped; what was made goes away with the value.
            let _ = reports.send(happened).await;
        });
    }
}
