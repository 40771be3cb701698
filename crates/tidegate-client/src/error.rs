//! What can go wrong between the command line and the server.

use std::path::PathBuf;

use crate::manifest::Place;

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is no kubeconfig to connect with.
    #[error("no kubeconfig at {}: start `tidegate up` first, or name one with --kubeconfig", path.display())]
    NoKubeconfig {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The kubeconfig can't be used.
    #[error("the kubeconfig {} can't be used: {reason}", path.display())]
    BadKubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The server doesn't answer.
    #[error("no answer from {server}: {reason}; is `tidegate up` running?")]
    Unreachable {
        /// The server's address.
        server: String,
        /// The reason.
        reason: String,
    },
    /// The server refused, in its own words.
    #[error("the server refused ({reason}): {message}")]
    Refused {
        /// The machine-readable reason, such as `Invalid`.
        reason: String,
        /// The server's message.
        message: String,
        /// The HTTP status.
        code: u16,
    },
    /// A manifest's object was refused.
    #[error("{place}: {source}")]
    AtManifest {
        /// Where the object stands.
        place: Place,
        /// What the matter is.
        source: Box<ClientError>,
    },
    /// No kind has this name.
    #[error("the server has no kind {name:?}; it has {known}")]
    UnknownKind {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The connection to a running command ended before the command did.
    #[error("the connection to the command broke off: {0}")]
    BrokeOff(String),
    /// An answer that makes no sense.
    #[error("the server's answer can't be read: {0}")]
    BadAnswer(String),
}

impl ClientError {
    /// Whether the server says that the object isn't there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { code: 404, .. })
    }

    pub(crate) fn from_kube(error: kube::Error, server: &str) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                reason: status.reason.clone(),
                message: status.message.clone(),
                code: status.code,
            },
            kube::Error::SerdeError(error) => Self::BadAnswer(error.to_string()),
            other => Self::Unreachable {
                server: server.to_owned(),
                reason: innermost(&other),
            },
        }
    }
}

/// The last cause of a chain: "Connection refused" says more than "client error (Connect)".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
