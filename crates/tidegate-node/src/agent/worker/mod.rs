//! The worker of one pod: feeds the state machine and carries out what it says.

mod actions;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, PodCondition};
use kube::ResourceExt;
use kube::api::Api;
use tokio::sync::{mpsc, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::agent::context::NodeContext;
use crate::agent::finish;
use crate::agent::launch::{LaunchError, Running};
use crate::agent::pods::PodLogs;
use crate::agent::reach::RunningContainers;
use crate::agent::status_writer::StatusWriter;
use crate::pod::machine::{
    Conditions, ContainerEvent, Input, Now, PodMachine, StatusContext, StopCause,
};
use crate::pod::probe::ProbeKind;
use crate::pod::quality;
use crate::pod::shape::{self, PodShape};
use crate::runtime::container::Container;
use crate::runtime::sandbox::Sandbox;

/// How long after a pod's grace period its last steps may take.
pub(in crate::agent) const AFTER_GRACE: Duration = Duration::from_secs(5);
/// Reports from a pod's tasks that may wait.
const QUEUE: usize = 64;

/// What shall become of the pod.
#[derive(Debug, Clone)]
pub(in crate::agent) struct Desired {
    pub(in crate::agent) pod: Arc<Pod>,
    /// Its object does not exist any more.
    pub(in crate::agent) gone: bool,
    /// The node stops and leaves the pod this much time.
    pub(in crate::agent) node_stops: Option<Duration>,
}

impl Desired {
    pub(in crate::agent) fn new(pod: Arc<Pod>) -> Self {
        Self {
            pod,
            gone: false,
            node_stops: None,
        }
    }
}

/// What the tasks of a pod report.
pub(in crate::agent) enum Happened {
    Sandbox(Result<Sandbox, String>),
    SandboxRemoved,
    Launched {
        index: usize,
        result: Result<Box<Running>, LaunchError>,
    },
    /// Something about the run of a container with this number.
    Container {
        index: usize,
        run: u64,
        event: ContainerEvent,
    },
}

/// Where tasks report to.
pub(in crate::agent) type Reports = mpsc::Sender<Happened>;

/// A container that runs.
#[derive(Debug)]
struct Live {
    /// Distinguishes runs, so that a late report of a former one is recognised.
    run: u64,
    container: Arc<Container>,
}

pub(in crate::agent) struct PodWorker {
    context: Arc<NodeContext>,
    desired: watch::Receiver<Desired>,
    pod: Arc<Pod>,
    logs: Arc<PodLogs>,
    machine: PodMachine,
    conditions: Conditions,
    start_time: Timestamp,
    writer: StatusWriter,
    reports: Reports,
    happened: mpsc::Receiver<Happened>,
    sandbox: Option<Arc<Sandbox>>,
    live: HashMap<usize, Live>,
    running: Arc<RunningContainers>,
    runs: u64,
    probes: HashMap<(usize, ProbeKind), AbortOnDropHandle<()>>,
}

impl PodWorker {
    pub(in crate::agent) fn new(
        context: Arc<NodeContext>,
        desired: watch::Receiver<Desired>,
        logs: Arc<PodLogs>,
        running: Arc<RunningContainers>,
    ) -> Self {
        let pod = Arc::clone(&desired.borrow().pod);
        let shape = PodShape::of(&pod);
        let restarts = former_restarts(&pod, &shape);
        let (reports, happened) = mpsc::channel(QUEUE);
        let namespace = pod.namespace().unwrap_or_default();
        let api = Api::namespaced(context.client.clone(), &namespace);
        let uid = pod.uid().unwrap_or_default();
        let status = pod.status.as_ref();
        let started = status.and_then(|status| status.start_time.as_ref());
        let conditions = status
            .and_then(|status| status.conditions.as_deref())
            .unwrap_or_default();
        Self {
            machine: PodMachine::new(shape, &restarts, context.config.back_off),
            conditions: Conditions::from_api(conditions),
            start_time: started.map_or_else(|| now().wall, |time| time.0),
            writer: StatusWriter::start(api, pod.name_any(), uid),
            context,
            desired,
            pod,
            logs,
            reports,
            happened,
            sandbox: None,
            live: HashMap::new(),
            running,
            runs: 0,
            probes: HashMap::new(),
        }
    }

    /// Lives as long as the pod.
    pub(in crate::agent) async fn run(mut self) {
        self.desired.mark_changed();
        self.step(Input::Tick);
        loop {
            if self.machine.is_finished() {
                let desired = self.desired.borrow_and_update().clone();
                self.pod = Arc::clone(&desired.pod);
                if self.may_leave(&desired) {
                    return self.leave(desired).await;
                }
            }
            let deadline = self.machine.deadline();
            tokio::select! {
                changed = self.desired.changed() => match changed {
                    Ok(()) => self.observe(),
                    Err(_) => return,
                },
                Some(happened) = self.happened.recv() => self.take(happened),
                () = sleep_until(deadline) => self.step(Input::Tick),
            }
        }
    }

    /// Takes in a changed object or an order to end.
    fn observe(&mut self) {
        let desired = self.desired.borrow_and_update().clone();
        self.pod = Arc::clone(&desired.pod);
        if let Some(grace) = desired.node_stops {
            self.step(Input::Stop {
                grace,
                cause: StopCause::NodeStopping,
            });
        }
        let metadata = &desired.pod.metadata;
        if desired.gone {
            self.step(Input::Stop {
                grace: Duration::ZERO,
                cause: StopCause::Deleted,
            });
        } else if metadata.deletion_timestamp.is_some() {
            let grace = u64::try_from(metadata.deletion_grace_period_seconds.unwrap_or(0));
            let grace = Duration::from_secs(grace.unwrap_or(0));
            self.step(Input::Stop {
                grace,
                cause: StopCause::Deleted,
            });
        } else {
            // Readiness gates may have changed.
            self.report();
        }
    }

    fn take(&mut self, happened: Happened) {
        match happened {
            Happened::Sandbox(Ok(sandbox)) => {
                let addresses = sandbox.addresses().to_vec();
                self.sandbox = Some(Arc::new(sandbox));
                self.step(Input::SandboxReady { addresses });
            }
            Happened::Sandbox(Err(message)) => self.step(Input::SandboxFailed { message }),
            Happened::SandboxRemoved => self.step(Input::SandboxRemoved),
            Happened::Launched { index, result } => {
                let event = match result {
                    Ok(running) => self.keep(index, running),
                    Err(LaunchError::NotCreated(problem)) => ContainerEvent::NotCreated(problem),
                    Err(LaunchError::NotExecuted(message)) => {
                        ContainerEvent::NotExecuted { message }
                    }
                };
                self.step(Input::Container { index, event });
            }
            Happened::Container { index, run, event } => {
                if self.live.get(&index).is_none_or(|live| live.run != run) {
                    return;
                }
                if matches!(event, ContainerEvent::Exited { .. }) {
                    self.live.remove(&index);
                    self.running.ended(self.container_name(index));
                }
                self.step(Input::Container { index, event });
            }
        }
    }

    /// Remembers a container that was started and waits for its end in the background.
    fn keep(&mut self, index: usize, running: Box<Running>) -> ContainerEvent {
        self.runs += 1;
        let run = self.runs;
        let id = running.id.clone();
        self.running
            .started(self.container_name(index), &running.container);
        self.live.insert(
            index,
            Live {
                run,
                container: Arc::clone(&running.container),
            },
        );
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let event = running.wait().await;
            // Nobody listens when the worker was stopped.
            let _ = reports
                .send(Happened::Container { index, run, event })
                .await;
        });
        self.post_start(index);
        ContainerEvent::Started { id }
    }

    fn container_name(&self, index: usize) -> &str {
        let mut containers = self.pod.spec.iter().flat_map(shape::containers);
        let found = containers.nth(index);
        found.map_or("", |(_, container)| container.name.as_str())
    }

    fn step(&mut self, input: Input) {
        for action in self.machine.step(input, now()) {
            self.carry_out(action);
        }
        self.report();
    }

    fn report(&mut self) {
        let spec = self.pod.spec.as_ref();
        let status = self.pod.status.as_ref();
        let present = status
            .and_then(|status| status.conditions.as_deref())
            .unwrap_or_default();
        let foreign: Vec<PodCondition> = present
            .iter()
            .filter(|condition| !Conditions::is_own(&condition.type_))
            .cloned()
            .collect();
        let gates = spec.and_then(|spec| spec.readiness_gates.as_ref());
        let gates: Vec<String> = gates
            .into_iter()
            .flatten()
            .map(|gate| gate.condition_type.clone())
            .collect();
        let context = StatusContext {
            host_ips: &self.context.node_ips,
            start_time: self.start_time,
            qos_class: spec.map_or("BestEffort", quality::class),
            host_network: spec.and_then(|spec| spec.host_network) == Some(true),
            foreign: &foreign,
            gates: &gates,
        };
        self.writer.write(
            self.machine
                .status(&context, &mut self.conditions, now().wall),
        );
    }

    /// Whether the worker has nothing to do any more: an ended pod still waits for its deletion.
    fn may_leave(&self, desired: &Desired) -> bool {
        desired.gone
            || desired.node_stops.is_some()
            || desired.pod.metadata.deletion_timestamp.is_some()
    }

    async fn leave(self, desired: Desired) {
        if desired.gone {
            return finish::remove_logs(&self.context, &desired.pod);
        }
        self.writer.finish(AFTER_GRACE).await;
        if desired.pod.metadata.deletion_timestamp.is_some() {
            finish::delete(self.context, desired.pod).await;
        }
    }
}

/// Restart counts survive a restart of the node: what ran then is being restarted now.
fn former_restarts(pod: &Pod, shape: &PodShape) -> Vec<u32> {
    let status = pod.status.clone().unwrap_or_default();
    let statuses = status.init_container_statuses.into_iter().flatten();
    let statuses: Vec<_> = statuses
        .chain(status.container_statuses.into_iter().flatten())
        .collect();
    let former = shape.containers.iter().map(|container| {
        let status = statuses.iter().find(|status| status.name == container.name);
        status.map_or(0, |status| {
            let restarts = u32::try_from(status.restart_count).unwrap_or(0);
            restarts.saturating_add(u32::from(status.container_id.is_some()))
        })
    });
    former.collect()
}

/// The time, to whole seconds where it is shown.
fn now() -> Now {
    let wall = Timestamp::now();
    Now {
        instant: Instant::now(),
        wall: Timestamp::from_second(wall.as_second()).unwrap_or(wall),
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
