//! Removing what a node left behind, in whatever way it ended.
//!
//! Everything carries the mark of its data directory: cgroups by name, links by alias, the rest by
//! lying in the directory or being written down in it. Nothing is found by a bare process number.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::config::Paths;
use crate::network::{self, Link, Netlink, NetlinkError, SysctlError, sysctl};
use crate::runtime::cgroup::{Cgroup, CgroupError};
use crate::runtime::mount_points;
use crate::state::RunState;

/// How long killed processes may take to disappear.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to clean up.
#[derive(Debug, Clone)]
pub struct CleanupConfig {
    /// The data directory of the node that left something. It need not exist any more.
    pub data_dir: PathBuf,
}

/// What a clean-up did.
#[derive(Debug, Default)]
pub struct CleanupReport {
    /// A line for each thing that was removed or put back.
    pub removed: Vec<String>,
    /// What went wrong; the rest was done all the same.
    pub problems: Vec<CleanupProblem>,
}

/// Something that could not be cleaned up.
#[derive(Debug, Error)]
pub enum CleanupProblem {
    /// The node still runs, so nothing was touched.
    #[error("a running tidegate uses {data_dir}; stop it first")]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// A file could not be read or removed.
    #[error("{path}: {error}")]
    File {
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// Processes or their control groups resisted.
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    /// A network device resisted.
    #[error(transparent)]
    Link(#[from] NetlinkError),
    /// A kernel parameter could not be put back.
    #[error(transparent)]
    Parameter(#[from] SysctlError),
}

/// Removes everything that a former node with this data directory left on the machine: processes,
/// control groups, network devices with their addresses and routes, changed kernel parameters, mount
/// points and run-time files. Logs stay. Doing it again does nothing.
///
/// Has to run as root, in the network namespace of that node, inside a tokio runtime.
pub async fn cleanup(config: &CleanupConfig) -> CleanupReport {
    let mut report = CleanupReport::default();
    let paths = match Paths::new(&config.data_dir) {
        Ok(paths) => paths,
        Err(error) => {
            report.problems.push(CleanupProblem::File {
                path: config.data_dir.clone(),
                error,
            });
            return report;
        }
    };
    // Without a directory nobody can be using it.
    let lock = match paths.data.exists().then(|| lock(&paths)).transpose() {
        Ok(lock) => lock,
        Err(problem) => {
            report.problems.push(problem);
            return report;
        }
    };
    remove_leftovers(&paths, &mut report).await;
    if lock.is_some() {
        report.note(std::fs::remove_file(paths.lock()), &paths.lock());
    }
    report
}

/// Claims a data directory for this process until the file is dropped.
pub(crate) fn lock(paths: &Paths) -> Result<File, CleanupProblem> {
    let path = paths.lock();
    let failed = |error| CleanupProblem::File {
        path: path.clone(),
        error,
    };
    let file = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(CleanupProblem::InUse {
            data_dir: paths.data.clone(),
        }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The clean-up itself. The caller holds the lock.
pub(crate) async fn remove_leftovers(paths: &Paths, report: &mut CleanupReport) {
    report.end_processes(paths).await;
    report.remove_links(paths).await;
    report.undo_changes(paths);
    if paths.run().exists() && report.note(std::fs::remove_dir_all(paths.run()), &paths.run()) {
        report
            .removed
            .push(format!("directory {}", paths.run().display()));
    }
}

impl CleanupReport {
    async fn end_processes(&mut self, paths: &Paths) {
        let cgroup = match Cgroup::of_instance(&paths.instance()) {
            Ok(cgroup) if cgroup.exists() => cgroup,
            // Without a hierarchy there is nothing in it.
            Ok(_) | Err(CgroupError::NotMounted) => return,
            Err(error) => return self.problems.push(error.into()),
        };
        match cgroup.remove(PATIENCE).await {
            Ok(()) => {
                let line = format!("cgroup {} and its processes", cgroup.path().display());
                self.removed.push(line);
            }
            Err(error) => self.problems.push(error.into()),
        }
    }

    async fn remove_links(&mut self, paths: &Paths) {
        let alias = network::alias(&paths.instance());
        let result = async {
            let netlink = Netlink::connect()?;
            // A listing can miss a link while others go away, so the last one has to be empty.
            loop {
                let links = own_links(netlink.links().await?, &alias);
                if links.is_empty() {
                    return Ok::<(), NetlinkError>(());
                }
                for link in links {
                    if netlink.delete_link(&link).await? {
                        self.removed.push(format!("link {}", link.name));
                    }
                }
            }
        };
        if let Err(error) = result.await {
            self.problems.push(error.into());
        }
    }

    fn undo_changes(&mut self, paths: &Paths) {
        let path = paths.state();
        let state = match RunState::load(&path) {
            Ok(state) => state.unwrap_or_default(),
            Err(error) => return self.problems.push(CleanupProblem::File { path, error }),
        };
        for change in &state.parameters {
            match sysctl::restore(change) {
                Ok(true) => {
                    let line =
                        format!("kernel parameter {} back to {}", change.name, change.before);
                    self.removed.push(line);
                }
                Ok(false) => {}
                Err(error) => self.problems.push(error.into()),
            }
        }
        let (removed, problems) = mount_points::remove(&state.mount_points);
        self.removed.extend(
            removed
                .iter()
                .map(|path| format!("mount point {}", path.display())),
        );
        let problems = problems.into_iter();
        self.problems
            .extend(problems.map(|(path, error)| CleanupProblem::File { path, error }));
    }

    /// Whether it worked; if not, it is a problem.
    fn note(&mut self, result: io::Result<()>, path: &std::path::Path) -> bool {
        match result {
            Ok(()) => true,
            Err(error) => {
                self.problems.push(CleanupProblem::File {
                    path: path.to_owned(),
                    error,
                });
                false
            }
        }
    }
}

/// The bridge that carries the mark, after its ports.
fn own_links(links: Vec<Link>, alias: &str) -> Vec<Link> {
    let bridge = links
        .iter()
        .find(|link| link.alias.as_deref() == Some(alias));
    let Some(bridge) = bridge.cloned() else {
        return Vec::new();
    };
    let is_port = |link: &Link| link.controller == Some(bridge.index);
    links
        .into_iter()
        .filter(is_port)
        .chain([bridge.clone()])
        .collect()
}
