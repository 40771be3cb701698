//! What `tidegate proxy` and `tidegate up` share: from kube-proxy's configuration to a proxy.

mod assembly;
mod meaning;
mod modes;
mod reload;
pub(crate) mod sysctls;

pub(crate) use assembly::Assembly;
pub(crate) use meaning::{Meaning, NodeSide};
pub(crate) use modes::{ModeChoice, Modes};
pub(crate) use reload::Reloader;
