//! The namespaces that the containers of one pod share.
//!
//! Nobody has to live in them: the node holds them as open files, and when it closes them or dies
//! the kernel removes them together with the devices inside.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};
use thiserror::Error;

use super::netlink::{Netlink, NetlinkError};
use super::sysctl::{self, SysctlError};
use crate::internal::spec::SharedNamespaces;

/// Why a pod's namespaces could not be made.
#[derive(Debug, Error)]
pub(crate) enum NamespaceError {
    #[error("creating namespaces (CONFIG_NET_NS, CONFIG_UTS_NS, CONFIG_IPC_NS): {0}")]
    Create(#[source] nix::Error),
    #[error("opening a namespace: {0}")]
    Open(#[source] io::Error),
    #[error("setting the host name: {0}")]
    HostName(#[source] nix::Error),
    #[error("starting a thread: {0}")]
    Thread(#[source] io::Error),
    #[error("the thread that makes namespaces ended without an answer")]
    Lost,
    #[error(transparent)]
    Parameter(#[from] SysctlError),
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
}

/// Open files of a pod's namespaces.
#[derive(Debug)]
pub(crate) struct Namespaces {
    network: Option<File>,
    host_name: Option<File>,
    ipc: File,
}

impl Namespaces {
    /// Namespaces for a pod with a network of its own, and a netlink connection inside it.
    pub(crate) async fn isolated(host_name: String) -> Result<(Self, Netlink), NamespaceError> {
        on_a_new_thread(move || {
            let flags =
                CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
            unshare(flags).map_err(NamespaceError::Create)?;
            nix::unistd::sethostname(&host_name).map_err(NamespaceError::HostName)?;
            set_parameters()?;
            let namespaces = Self {
                network: Some(open("net")?),
                host_name: Some(open("uts")?),
                ipc: open("ipc")?,
            };
            Ok((namespaces, Netlink::connect()?))
        })
        .await
    }

    /// For a pod on the host's network: it keeps the host's name too, as in Kubernetes.
    pub(crate) async fn on_host_network() -> Result<Self, NamespaceError> {
        on_a_new_thread(|| {
            unshare(CloneFlags::CLONE_NEWIPC).map_err(NamespaceError::Create)?;
            Ok(Self {
                network: None,
                host_name: None,
                ipc: open("ipc")?,
            })
        })
        .await
    }

    pub(crate) fn network(&self) -> Option<BorrowedFd<'_>> {
        self.network.as_ref().map(AsFd::as_fd)
    }

    /// Paths under which a child of this process can open the namespaces.
    pub(crate) fn paths(&self) -> SharedNamespaces {
        SharedNamespaces {
            network: self.network.as_ref().map(path_for_children),
            host_name: self.host_name.as_ref().map(path_for_children),
            ipc: Some(path_for_children(&self.ipc)),
        }
    }
}

/// The path of one of this process' open files, as seen by its children.
pub(crate) fn path_for_children(file: &impl AsRawFd) -> PathBuf {
    PathBuf::from(format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        file.as_raw_fd()
    ))
}

fn open(kind: &str) -> Result<File, NamespaceError> {
    File::open(format!("/proc/thread-self/ns/{kind}")).map_err(NamespaceError::Open)
}

/// Leaving a namespace is not possible for a thread that others share work with, so a thread is
/// born for it and ends with it.
async fn on_a_new_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NamespaceError> + Send + 'static,
) -> Result<T, NamespaceError> {
    let runtime = tokio::runtime::Handle::current();
    let (answer, answered) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("pod-namespaces".to_owned())
        .spawn(move || {
            let _in_runtime = runtime.enter();
            // Nobody listens any more when the pod was cancelled; the result is dropped then.
            let _ = answer.send(work());
        })
        .map_err(NamespaceError::Thread)?;
    answered.await.map_err(|_| NamespaceError::Lost)?
}

/// What a pod's network needs: addresses that work at once, no redirects, and, as container
/// engines do it, low ports and ping for every user.
fn set_parameters() -> Result<(), SysctlError> {
    let parameters = [
        ("ipv4/conf/all/accept_redirects", "0"),
        ("ipv4/conf/default/accept_redirects", "0"),
        ("ipv4/ip_unprivileged_port_start", "0"),
        ("ipv4/ping_group_range", "0 2147483647"),
        ("ipv6/conf/all/accept_redirects", "0"),
        ("ipv6/conf/default/accept_redirects", "0"),
        ("ipv6/conf/default/accept_dad", "0"),
        ("ipv6/conf/default/accept_ra", "0"),
        ("ipv6/conf/default/disable_ipv6", "0"),
        ("ipv6/conf/all/disable_ipv6", "0"),
    ];
    for (name, value) in parameters {
        if sysctl::exists(name) {
            sysctl::write(name, value)?;
        }
    }
    Ok(())
}
