//! A container's view of the file system: the host's, with its own `/proc`, `/sys`, `/dev` and the
//! files and volumes of the pod on top.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use super::spec::{Bind, ContainerSpec};

/// Host devices that every container may use.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Kernel knobs that stay visible but cannot be changed from a container.
const READ_ONLY: [&str; 4] = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];
/// Kernel memory and keys: replaced by an empty file.
const HIDDEN: [&str; 4] = [
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/latency_stats",
];

const NO_PRIVILEGES: MsFlags = MsFlags::MS_NOSUID
    .union(MsFlags::MS_NODEV)
    .union(MsFlags::MS_NOEXEC);

/// Which mount failed.
#[derive(Debug, Error)]
#[error("{path}: {error}")]
pub(super) struct MountError {
    path: String,
    error: io::Error,
}

/// Builds the view in a mount namespace of its own; the host sees nothing of it.
pub(super) fn prepare(spec: &ContainerSpec) -> Result<(), MountError> {
    at("mount namespace", unshare(CloneFlags::CLONE_NEWNS))?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    at("/", mount(NONE, "/", NONE, private, NONE))?;
    let inherited = mount_points().map_err(|error| failed("/proc/self/mountinfo", error))?;

    for bind in &spec.binds {
        bind_mount(bind)?;
    }
    mount_fs("proc", "/proc", NO_PRIVILEGES, None)?;
    let sys_flags = if spec.privileges.privileged {
        NO_PRIVILEGES
    } else {
        NO_PRIVILEGES | MsFlags::MS_RDONLY
    };
    mount_fs("sysfs", "/sys", sys_flags, None)?;
    if !spec.privileges.privileged {
        mount_devices()?;
        restrict_proc()?;
    }
    if spec.read_only_root {
        for path in inherited.iter().filter(|path| !is_kernel_path(path)) {
            remount_read_only(path)?;
        }
    }
    Ok(())
}

const NONE: Option<&str> = None;

fn bind_mount(bind: &Bind) -> Result<(), MountError> {
    if bind.skip_without_target && !bind.target.exists() {
        return Ok(());
    }
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    at(
        bind.target.display(),
        mount(Some(&bind.source), &bind.target, NONE, flags, NONE),
    )?;
    if bind.read_only {
        remount_read_only(&bind.target)?;
    }
    Ok(())
}

fn remount_read_only(path: &Path) -> Result<(), MountError> {
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
    at(path.display(), mount(NONE, path, NONE, flags, NONE))
}

fn mount_fs(kind: &str, path: &str, flags: MsFlags, data: Option<&str>) -> Result<(), MountError> {
    at(path, mount(Some(kind), path, Some(kind), flags, data))
}

/// A small `/dev` with the harmless devices only, its own terminals, shared memory and queues.
fn mount_devices() -> Result<(), MountError> {
    // The host's devices are opened before they are covered, and mounted from the open files.
    let mut devices: Vec<(&str, OwnedFd)> = Vec::new();
    for name in DEVICES {
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_PATH.bits())
            .open(Path::new("/dev").join(name));
        match opened {
            Ok(file) => devices.push((name, file.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(&format!("/dev/{name}"), error)),
        }
    }
    let tmpfs = |path, data| mount_fs("tmpfs", path, MsFlags::MS_NOSUID, Some(data));
    tmpfs("/dev", "mode=755,size=64k")?;
    for (name, device) in devices {
        let path = format!("/dev/{name}");
        File::create(&path).map_err(|error| failed(&path, error))?;
        let source = format!("/proc/self/fd/{}", device.as_raw_fd());
        let flags = MsFlags::MS_BIND;
        at(
            &path,
            mount(Some(source.as_str()), path.as_str(), NONE, flags, NONE),
        )?;
    }
    for directory in ["/dev/pts", "/dev/shm", "/dev/mqueue"] {
        fs::create_dir(directory).map_err(|error| failed(directory, error))?;
    }
    let no_exec = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount_fs(
        "devpts",
        "/dev/pts",
        no_exec,
        Some("newinstance,ptmxmode=0666,mode=0620,gid=5"),
    )?;
    tmpfs("/dev/shm", "mode=1777,size=64m")?;
    mount_fs("mqueue", "/dev/mqueue", NO_PRIVILEGES, None)?;
    for (link, target) in [
        ("/dev/ptmx", "pts/ptmx"),
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, link).map_err(|error| failed(link, error))?;
    }
    Ok(())
}

fn restrict_proc() -> Result<(), MountError> {
    let bind = MsFlags::MS_BIND;
    for path in READ_ONLY
        .into_iter()
        .filter(|path| Path::new(path).exists())
    {
        at(
            path,
            mount(Some(path), path, NONE, bind | MsFlags::MS_REC, NONE),
        )?;
        remount_read_only(Path::new(path))?;
    }
    for path in HIDDEN.into_iter().filter(|path| Path::new(path).exists()) {
        at(path, mount(Some("/dev/null"), path, NONE, bind, NONE))?;
    }
    Ok(())
}

fn mount_points() -> io::Result<Vec<PathBuf>> {
    Ok(
        crate::runtime::mountinfo::parse(&fs::read_to_string("/proc/self/mountinfo")?)
            .into_iter()
            .map(|entry| entry.mount_point)
            .collect(),
    )
}

fn is_kernel_path(path: &Path) -> bool {
    ["/proc", "/sys", "/dev"]
        .iter()
        .any(|root| path.starts_with(root))
}

fn failed(path: &str, error: io::Error) -> MountError {
    MountError {
        path: path.to_owned(),
        error,
    }
}

fn at(path: impl std::fmt::Display, result: nix::Result<()>) -> Result<(), MountError> {
    result.map_err(|error| failed(&path.to_string(), error.into()))
}
