//! A Deployment's conditions: a small list with rules for its times.

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::DeploymentCondition;

use crate::time::api_time;

/// The Deployment has the pods it must have at least.
pub(super) const AVAILABLE: &str = "Available";
/// The Deployment gets on with its rollout, or is done with it.
pub(super) const PROGRESSING: &str = "Progressing";
/// One of the sets can't create or delete pods.
pub(super) const REPLICA_FAILURE: &str = "ReplicaFailure";

/// Reasons of [`PROGRESSING`], by which kubectl tells how a rollout goes.
pub(super) mod reasons {
    pub(in super::super) const COMPLETE: &str = "NewReplicaSetAvailable";
    pub(in super::super) const CREATED: &str = "NewReplicaSetCreated";
    pub(in super::super) const FOUND: &str = "FoundNewReplicaSet";
    pub(in super::super) const UPDATED: &str = "ReplicaSetUpdated";
    pub(in super::super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";
    pub(in super::super) const PAUSED: &str = "DeploymentPaused";
    pub(in super::super) const RESUMED: &str = "DeploymentResumed";
}

/// Conditions by type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conditions(Vec<DeploymentCondition>);

impl Conditions {
    pub(super) fn of(known: Option<&Vec<DeploymentCondition>>) -> Self {
        Self(known.cloned().unwrap_or_default())
    }

    pub(super) fn get(&self, type_: &str) -> Option<&DeploymentCondition> {
        self.0.iter().find(|condition| condition.type_ == type_)
    }

    pub(super) fn reason(&self, type_: &str) -> Option<&str> {
        self.get(type_)?.reason.as_deref()
    }

    pub(super) fn remove(&mut self, type_: &str) {
        self.0.retain(|condition| condition.type_ != type_);
    }

    /// Sets a condition unless it says the same already. The transition time is that of the last
    /// change of status, the update time that of the last change at all.
    pub(super) fn set(
        &mut self,
        type_: &str,
        status: &str,
        reason: &str,
        message: String,
        now: Timestamp,
    ) {
        let same = |known: &DeploymentCondition| {
            known.status == status && known.reason.as_deref() == Some(reason)
        };
        if !self.get(type_).is_some_and(same) {
            self.renew(type_, status, reason, message, now);
        }
    }

    /// Sets a condition and its update time, even if it says the same already.
    pub(super) fn renew(
        &mut self,
        type_: &str,
        status: &str,
        reason: &str,
        message: String,
        now: Timestamp,
    ) {
        let known = self.get(type_).filter(|known| known.status == status);
        let since = known.and_then(|known| known.last_transition_time.clone());
        self.remove(type_);
        self.0.push(DeploymentCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message),
            last_update_time: Some(api_time(now)),
            last_transition_time: since.or_else(|| Some(api_time(now))),
        });
    }

    pub(super) fn into_list(self) -> Option<Vec<DeploymentCondition>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}
