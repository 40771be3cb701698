//! Events that the owners of Services and of the Node see with `kubectl describe`.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Service};
use k8s_openapi::api::events::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use tidegate_model::ServiceKey;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::told::Complaint;

/// Who reports: the name that operators look for.
const CONTROLLER: &str = "kube-proxy";

/// How many Events may wait to be written; more are left out.
const WAITING: usize = 256;

/// How many Events may be written at once, and how fast this grows again.
const BURST: u32 = 50;
const ONE_MORE_EVERY: Duration = Duration::from_secs(1);

/// How long one Event may take; an API that is away for longer goes without it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most that the API takes, in bytes.
const LONGEST_NOTE: usize = 1024;

/// Writes Events (events.k8s.io/v1), or drops them: nobody ever waits for one. Clones are the same.
#[derive(Clone, Debug)]
pub struct Events {
    queue: Option<mpsc::Sender<Event>>,
}

/// One thing that happened, to be told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    regarding: Regarding,
    is_warning: bool,
    reason: &'static str,
    action: &'static str,
    note: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Regarding {
    ThisNode,
    Service(ServiceKey),
}

impl Events {
    /// Tells nobody.
    pub fn nobody() -> Self {
        Self { queue: None }
    }

    /// Writes Events to an API until `shutdown`, on behalf of the proxy of a node.
    pub fn start(client: Client, node: String, shutdown: CancellationToken) -> Self {
        let (queue, waiting) = mpsc::channel(WAITING);
        let writer = Writer { client, node };
        tokio::spawn(async move { shutdown.run_until_cancelled(writer.write(waiting)).await });
        Self { queue: Some(queue) }
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(queue) = &self.queue
            && let Err(error) = queue.try_send(event)
        {
            tracing::debug!(%error, "an Event is left out");
        }
    }
}

impl Event {
    pub(crate) fn started() -> Self {
        Self {
            regarding: Regarding::ThisNode,
            is_warning: false,
            reason: "Starting",
            action: "StartKubeProxy",
            note: String::new(),
        }
    }

    pub(crate) fn mode_switched(mode: &str, reason: &str) -> Self {
        Self {
            regarding: Regarding::ThisNode,
            is_warning: false,
            reason: "ProxyModeSwitched",
            action: "SwitchProxyMode",
            note: format!("Services are served in {mode} mode now: {reason}"),
        }
    }

    pub(crate) fn mode_refused(mode: &str, reason: &str) -> Self {
        Self {
            regarding: Regarding::ThisNode,
            is_warning: true,
            reason: "ProxyModeRefused",
            action: "SwitchProxyMode",
            note: format!("Services are still served in {mode} mode: {reason}"),
        }
    }

    pub(crate) fn of_complaint(service: ServiceKey, complaint: Complaint) -> Self {
        Self {
            regarding: Regarding::Service(service),
            is_warning: true,
            reason: complaint.reason,
            action: "ProgramService",
            note: complaint.note,
        }
    }

    pub(crate) fn health_check_failed(service: ServiceKey, note: String) -> Self {
        Self {
            regarding: Regarding::Service(service),
            is_warning: true,
            reason: "FailedToStartServiceHealthcheck",
            action: "Listen",
            note,
        }
    }
}

struct Writer {
    client: Client,
    node: String,
}

impl Writer {
    async fn write(self, mut waiting: mpsc::Receiver<Event>) {
        let mut allowed = BURST;
        let mut grown = Instant::now();
        while let Some(event) = waiting.recv().await {
            let more = grown.elapsed().div_duration_f64(ONE_MORE_EVERY) as u32;
            allowed = allowed.saturating_add(more).min(BURST);
            grown += ONE_MORE_EVERY * more;
            let Some(rest) = allowed.checked_sub(1) else {
                tracing::debug!(?event, "too many Events: this one is left out");
                continue;
            };
            allowed = rest;
            match timeout(PATIENCE, self.post(&event)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, ?event, "an Event is left out"),
                Err(_) => tracing::debug!(?event, "an Event is left out: the API is away"),
            }
        }
    }

    async fn post(&self, event: &Event) -> Result<(), kube::Error> {
        let regarding = match &event.regarding {
            Regarding::ThisNode => ObjectReference {
                kind: Some("Node".to_owned()),
                name: Some(self.node.clone()),
                // What `kubectl describe node` looks for, as kubelets have always had it.
                uid: Some(self.node.clone()),
                ..ObjectReference::default()
            },
            Regarding::Service(service) => ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Service".to_owned()),
                namespace: Some(service.namespace.clone()),
                name: Some(service.name.clone()),
                uid: self.uid(service).await?,
                ..ObjectReference::default()
            },
        };
        let namespace = regarding.namespace.as_deref().unwrap_or("default");
        let events = Api::<v1::Event>::namespaced(self.client.clone(), namespace);
        let object = self.object(event, &regarding, namespace, Timestamp::now());
        events.create(&PostParams::default(), &object).await?;
        Ok(())
    }

    /// `kubectl describe` shows only Events with the object's uid. A list of one, since a proxy's
    /// rights on Services are usually to list and to watch them.
    async fn uid(&self, service: &ServiceKey) -> Result<Option<String>, kube::Error> {
        let services = Api::<Service>::namespaced(self.client.clone(), &service.namespace);
        let only = ListParams::default().fields(&format!("metadata.name={}", service.name));
        let found = services.list(&only).await?.items;
        Ok(found
            .into_iter()
            .next()
            .and_then(|found| found.metadata.uid))
    }

    fn object(
        &self,
        event: &Event,
        regarding: &ObjectReference,
        namespace: &str,
        now: Timestamp,
    ) -> v1::Event {
        let name = regarding.name.as_deref().unwrap_or_default();
        let shown = event.note.floor_char_boundary(LONGEST_NOTE);
        v1::Event {
            metadata: ObjectMeta {
                name: Some(format!("{name}.{:x}", now.as_nanosecond())),
                namespace: Some(namespace.to_owned()),
                ..ObjectMeta::default()
            },
            action: Some(event.action.to_owned()),
            event_time: Some(MicroTime(now)),
            note: Some(event.note[..shown].to_owned()),
            reason: Some(event.reason.to_owned()),
            regarding: Some(regarding.clone()),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(format!("{CONTROLLER}-{}", self.node)),
            type_: Some(
                if event.is_warning {
                    "Warning"
                } else {
                    "Normal"
                }
                .to_owned(),
            ),
            ..v1::Event::default()
        }
    }
}
