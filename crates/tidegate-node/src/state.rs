//! What the node changed on the host, written down before it is changed, so that a later start or a
//! clean-up can undo it even after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::network::sysctl::Changed;

/// The contents of `run/node.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunState {
    /// Kernel parameters as they were before.
    pub(crate) parameters: Vec<Changed>,
    /// Files and directories that volumes needed and that did not exist.
    pub(crate) mount_points: Vec<PathBuf>,
}

impl RunState {
    /// The state that an earlier node left; `None` when it left none.
    pub(crate) fn load(path: &Path) -> io::Result<Option<Self>> {
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            bytes => Ok(Some(serde_json::from_slice(&bytes?)?)),
        }
    }

    /// Replaces the file as a whole: a crash leaves the old or the new one.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("new");
        fs::write(&temporary, serde_json::to_vec_pretty(self)?)?;
        fs::rename(temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("node.json");
        assert_eq!(RunState::load(&path).expect("readable"), None);
        let state = RunState {
            parameters: vec![Changed {
                name: "ipv4/ip_forward".to_owned(),
                before: "0".to_owned(),
                after: "1".to_owned(),
            }],
            mount_points: vec!["/data".into()],
        };
        state.save(&path).expect("writable");
        assert_eq!(RunState::load(&path).expect("readable"), Some(state));
        fs::write(&path, "{").expect("writable");
        assert!(RunState::load(&path).is_err());
    }
}
