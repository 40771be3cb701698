//! Control groups (version 2): one per instance, below it one per pod and container.
//!
//! They exist so that everything a pod started can be found and ended, whatever it forked into and
//! whatever became of the node. Limits are applied where the machine's hierarchy offers the controller.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::mountinfo;

/// Why a control group could not be used.
#[derive(Debug, Error)]
pub enum CgroupError {
    /// The machine has no version 2 hierarchy mounted.
    #[error(
        "no cgroup2 file system is mounted; mount one with \
         `mount -t cgroup2 none /sys/fs/cgroup` (it may be any directory)"
    )]
    NotMounted,
    /// A file of the hierarchy could not be read or written.
    #[error("cgroup {path}: {error}")]
    Access {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        error: io::Error,
    },
    /// Processes are still there although they were killed, most likely stuck in the kernel.
    #[error("cgroup {path} still has processes after they were killed")]
    Busy {
        /// The group that could not be removed.
        path: PathBuf,
    },
}

/// A limit on a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Bytes of memory.
    Memory(u64),
    /// Thousandths of a processor.
    Cpu(u64),
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "memory",
            Self::Cpu(_) => "cpu",
        })
    }
}

/// A directory in the cgroup2 hierarchy.
#[derive(Debug, Clone)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    /// The group of a whole instance. It is not created.
    pub(crate) fn of_instance(instance: &str) -> Result<Self, CgroupError> {
        let file = Path::new("/proc/self/mountinfo");
        let text = fs::read_to_string(file).map_err(access(file))?;
        let root = mountinfo::parse(&text)
            .into_iter()
            .find(|mount| mount.kind == "cgroup2")
            .ok_or(CgroupError::NotMounted)?;
        Ok(Self {
            path: root.mount_point.join(format!("tidegate-{instance}")),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn child(&self, name: &str) -> Self {
        Self {
            path: self.path.join(name),
        }
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Makes the directory and those above it.
    pub(crate) fn create(&self) -> Result<(), CgroupError> {
        fs::create_dir_all(&self.path).map_err(access(&self.path))
    }

    /// Hands the controllers that limits need down to this group's children. Returns whether the
    /// machine offers all of them.
    pub(crate) fn delegate(&self) -> bool {
        let Some(parent) = self.path.parent() else {
            return false;
        };
        let mut all = true;
        for directory in [parent, &self.path] {
            for controller in ["+memory", "+cpu"] {
                all &= fs::write(directory.join("cgroup.subtree_control"), controller).is_ok();
            }
        }
        all
    }

    /// Applies a limit; false when the controller is not available here.
    pub(crate) fn limit(&self, limit: Limit) -> Result<bool, CgroupError> {
        let (file, value) = match limit {
            Limit::Memory(bytes) => ("memory.max", bytes.to_string()),
            // A thousandth of a processor is 100 µs of the usual period of 100 ms.
            Limit::Cpu(milli) => ("cpu.max", format!("{} 100000", (milli * 100).max(1000))),
        };
        let path = self.path.join(file);
        if !path.exists() {
            return Ok(false);
        }
        fs::write(&path, value).map_err(access(&path))?;
        Ok(true)
    }

    /// How often the kernel killed a process of this group for lack of memory.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        fs::read_to_string(self.path.join("memory.events"))
            .unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
            .unwrap_or(0)
    }

    /// Kills every process in the group and below, at once and without a chance for new ones.
    pub(crate) fn kill(&self) -> Result<(), CgroupError> {
        let path = self.path.join("cgroup.kill");
        match fs::write(&path, "1") {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(access(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Kills what is left and removes the group and those below it. The kernel takes a moment to
    /// release the dead; `deadline` bounds the wait.
    pub(crate) async fn remove(&self, deadline: Duration) -> Result<(), CgroupError> {
        if !self.exists() {
            return Ok(());
        }
        self.kill()?;
        let end = tokio::time::Instant::now() + deadline;
        loop {
            match remove_tree(&self.path) {
                Ok(()) => return Ok(()),
                Err(error) if error.raw_os_error() != Some(nix::libc::EBUSY) => {
                    return Err(access(&self.path)(error));
                }
                Err(_) if tokio::time::Instant::now() >= end => {
                    return Err(CgroupError::Busy {
                        path: self.path.clone(),
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
            }
        }
    }
}

/// Removes directories from the leaves up; the files in them belong to the kernel.
fn remove_tree(path: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn access(path: &Path) -> impl FnOnce(io::Error) -> CgroupError {
    let path = path.to_owned();
    move |error| CgroupError::Access { path, error }
}
