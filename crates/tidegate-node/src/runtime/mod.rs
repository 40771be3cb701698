//! Effects: what actually makes and ends the processes of a pod. Nothing here decides when.

pub(crate) mod cgroup;
pub(crate) mod command;
pub(crate) mod container;
pub(crate) mod exec;
pub(crate) mod handler;
mod launch;
pub(crate) mod mount_points;
pub(crate) mod mountinfo;
pub(crate) mod sandbox;
pub(crate) mod volumes;

use std::io;
use std::path::Path;

/// A directory that only root may look into, with those above it.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

#[cfg(test)]
mod tests;
