//! Places on the host's file system that volumes are mounted over.
//!
//! Containers share the host's file system, so a volume at `/data` needs `/data` to exist there. What
//! is missing is created, empty, and remembered, so that it can be removed when no pod is left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What was created for mounts, in the order of creation.
#[derive(Debug, Default)]
pub(crate) struct MountPoints {
    created: Mutex<Vec<PathBuf>>,
}

impl MountPoints {
    /// Makes sure that `target` exists, as a directory or as a file. Calls `record` with everything
    /// created so far before something is created, so that nothing is forgotten by a crash.
    pub(crate) fn ensure(
        &self,
        target: &Path,
        is_directory: bool,
        record: impl FnOnce(&[PathBuf]) -> io::Result<()>,
    ) -> io::Result<()> {
        if target.exists() {
            return Ok(());
        }
        let mut created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = target.ancestors().take_while(|path| !path.exists());
        let mut missing: Vec<_> = missing.map(Path::to_owned).collect();
        missing.reverse();
        created.extend(missing);
        record(&created)?;
        if is_directory {
            return fs::create_dir_all(target);
        }
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::File::create_new(target).map(drop)
    }
}

/// Removes mount points that are still empty. Returns those that were removed and what failed.
pub(crate) fn remove(created: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, io::Error)>) {
    let mut removed = Vec::new();
    let mut problems = Vec::new();
    for path in created.iter().rev() {
        let Ok(metadata) = fs::symlink_metadata(path) else {
            continue;
        };
        let result = if metadata.is_dir() {
            fs::remove_dir(path)
        } else if metadata.is_file() && metadata.len() == 0 {
            fs::remove_file(path)
        } else {
            continue;
        };
        match result {
            Ok(()) => removed.push(path.clone()),
            // Somebody put something there: it is theirs now.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) => problems.push((path.clone(), error)),
        }
    }
    (removed, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_missing_is_created_and_only_what_is_empty_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        let points = MountPoints::default();
        let mut recorded = Vec::new();
        for (path, is_directory) in [("a/b", true), ("a/c/file", false), ("d", true)] {
            let record = |created: &[PathBuf]| {
                recorded = created.to_vec();
                Ok(())
            };
            points
                .ensure(&root.join(path), is_directory, record)
                .expect("created");
        }
        points
            .ensure(&root.join("d"), true, |_| Err(io::ErrorKind::Other.into()))
            .expect("exists");
        assert!(root.join("a/c/file").is_file());
        fs::write(root.join("d/kept"), "x").expect("written");
        let (removed, problems) = remove(&recorded);
        assert!(problems.is_empty());
        assert_eq!(removed.len(), 4, "{removed:?}");
        assert!(root.join("d/kept").exists());
        assert!(!root.join("a").exists());
    }
}
