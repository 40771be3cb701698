//! Writing a pod's status to the API: one request at a time, always the newest.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Pod, PodStatus};
use kube::api::{Api, Patch, PatchParams};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Wait after a failed write.
const RETRY: Duration = Duration::from_secs(1);

/// The writer of one pod.
#[derive(Debug)]
pub(super) struct StatusWriter {
    newest: watch::Sender<Option<PodStatus>>,
    task: AbortOnDropHandle<()>,
}

impl StatusWriter {
    pub(super) fn start(pods: Api<Pod>, name: String, uid: String) -> Self {
        let (newest, mut changes) = watch::channel(None);
        let task = tokio::spawn(async move {
            while changes.changed().await.is_ok() {
                let status: Option<PodStatus> = changes.borrow_and_update().clone();
                let Some(status) = status else { continue };
                match write(&pods, &name, &uid, &status).await {
                    Ok(()) => {}
                    // The pod is gone, or another one has its name.
                    Err(kube::Error::Api(answer)) if matches!(answer.code, 404 | 409) => return,
                    Err(error) => {
                        tracing::warn!(pod = name, %error, "writing a pod's status");
                        tokio::time::sleep(RETRY).await;
                        changes.mark_changed();
                    }
                }
            }
        });
        Self {
            newest,
            task: AbortOnDropHandle::new(task),
        }
    }

    /// Writes `status` if it differs from the last one.
    pub(super) fn write(&self, status: PodStatus) {
        self.newest.send_if_modified(|newest| {
            let differs = newest.as_ref() != Some(&status);
            if differs {
                *newest = Some(status);
            }
            differs
        });
    }

    /// Waits until the newest status is written, but no longer than `deadline`.
    pub(super) async fn finish(self, deadline: Duration) {
        let Self { newest, task } = self;
        drop(newest);
        if tokio::time::timeout(deadline, task).await.is_err() {
            tracing::warn!("a pod's last status could not be written in time");
        }
    }
}

/// A merge patch: it names every field of the status, so that what no longer holds disappears, and
/// the uid, so that a namesake is left alone.
async fn write(
    pods: &Api<Pod>,
    name: &str,
    uid: &str,
    status: &PodStatus,
) -> Result<(), kube::Error> {
    let mut fields = serde_json::to_value(status).map_err(kube::Error::SerdeError)?;
    for optional in ["message", "reason", "podIP", "initContainerStatuses"] {
        if fields.get(optional).is_none() {
            fields[optional] = serde_json::Value::Null;
        }
    }
    let patch = Patch::Merge(serde_json::json!({"metadata": {"uid": uid}, "status": fields}));
    pods.patch_status(name, &PatchParams::default(), &patch)
        .await
        .map(drop)
}
