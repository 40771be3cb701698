//! Failures of API calls, with what was being done to what.

use std::fmt::Display;

use kube::Error;

/// Why an object could not be brought to where it should be. Every one is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SyncError {
    /// The API server refused a call or did not answer.
    #[error("cannot {verb} {kind} {name}: {}", reason(source))]
    Call {
        verb: &'static str,
        kind: String,
        name: String,
        source: Box<Error>,
    },
    /// A pod names a node that does not exist (yet), so its zone is not known.
    #[error(
        "the nodes of these pods do not exist, so the pods are left out of the Service's \
         endpoints: {pods}"
    )]
    MissingNodes { pods: String },
    /// An owner reference names a kind that the API server does not serve.
    #[error(
        "{dependent} is owned by {owner}, a kind that the API server does not serve; \
         correct metadata.ownerReferences if it is a mistake"
    )]
    UnknownOwnerKind { dependent: String, owner: String },
}

impl SyncError {
    /// Someone else was faster; a fresh look resolves it, so nobody needs to read of it.
    pub(crate) fn is_race(&self) -> bool {
        match self {
            Self::Call { source, .. } => is_conflict(source) || is_not_found(source),
            Self::MissingNodes { .. } | Self::UnknownOwnerKind { .. } => false,
        }
    }

    /// What happened, without what was being done: for statuses, where that is plain.
    pub(crate) fn in_short(&self) -> String {
        match self {
            Self::Call { source, .. } => reason(source),
            other => other.to_string(),
        }
    }
}

/// Adds to a failed call what it was about.
pub(crate) trait During<T> {
    fn during(self, verb: &'static str, kind: &str, name: impl Display) -> Result<T, SyncError>;
}

impl<T> During<T> for Result<T, Error> {
    fn during(self, verb: &'static str, kind: &str, name: impl Display) -> Result<T, SyncError> {
        self.map_err(|source| SyncError::Call {
            verb,
            kind: kind.to_owned(),
            name: name.to_string(),
            source: Box::new(source),
        })
    }
}

/// What happened in the API server's own words.
pub(crate) fn reason(error: &Error) -> String {
    match error {
        Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

/// The object is gone.
pub(crate) fn is_not_found(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 404)
}

/// The object changed since it was read, or a precondition does not hold any more.
pub(crate) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.code == 409 && status.reason != "AlreadyExists")
}

/// The name is taken.
pub(crate) fn is_already_exists(error: &Error) -> bool {
    matches!(error, Error::Api(status) if status.reason == "AlreadyExists")
}

/// Nothing can be created here any more, because the namespace is being deleted.
pub(crate) fn is_namespace_terminating(error: &Error) -> bool {
    let Error::Api(status) = error else {
        return false;
    };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403
        && (causes.any(|cause| cause.reason == "NamespaceTerminating")
            || status.message.contains("because it is being terminated"))
}
