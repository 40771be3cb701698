//! A reason for a container to wait.

/// What keeps a container from being created, in the words that `kubectl` shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// One word in camel case, such as `CreateContainerConfigError`.
    pub(crate) reason: &'static str,
    /// What is wrong, with what, and what to do.
    pub(crate) message: String,
}

impl Problem {
    /// Something that the pod's description refers to is missing or contradictory.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self {
            reason: "CreateContainerConfigError",
            message: message.into(),
        }
    }

    /// The pod asks for something that this node does not have.
    pub(crate) fn unsupported(message: impl Into<String>) -> Self {
        Self {
            reason: "NotSupported",
            message: message.into(),
        }
    }

    /// The image is neither built in nor replaced by a command.
    pub(crate) fn image(image: &str) -> Self {
        Self {
            reason: "ImageNotBuiltIn",
            message: format!(
                "image {image:?} is not built in, and standalone Tidegate does not pull images; \
                 use one of {}, or set `command` to a program of this machine",
                crate::images::NAMES.join(", ")
            ),
        }
    }
}
