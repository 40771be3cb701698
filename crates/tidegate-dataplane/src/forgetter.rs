//! Deletes stale connections behind the back of whoever changes the rules.
//!
//! To find the stale ones, all tracked connections have to be read: some milliseconds even when
//! there are none, more when there are many. New connections needn't wait for that.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Instant;

use nix::errno::Errno;
use tidegate_model::IpFamily;
use tidegate_netlink::SocketError;
use tidegate_netlink::conntrack::{Conntrack, Flow};
use tidegate_plan::{Delta, Plan};

use crate::DataplaneError;
use crate::clean_ups;
use crate::flows::{Frontends, Losses};

/// A thread that deletes what deltas make stale. It ends, when it has done all, with this value.
#[derive(Debug)]
pub struct Forgetter {
    deltas: Option<Sender<Delta>>,
    thread: Option<JoinHandle<()>>,
    /// For whoever wants it done at once.
    conntrack: Conntrack,
}

impl Forgetter {
    /// Starts the thread for the calling thread's network namespace, on behalf of a mode.
    ///
    /// # Errors
    /// The kernel has no netlink for conntrack, or we may not use it.
    pub fn start(mode: &'static str) -> Result<Self, DataplaneError> {
        let open = || Conntrack::open().map_err(|error| of_socket(mode, error));
        let (deltas, queue) = channel();
        let theirs = open()?;
        let conntrack = open()?;
        let thread = std::thread::Builder::new().name("conntrack".to_owned());
        let thread = thread.spawn(move || work(&queue, theirs));
        let thread = thread.map_err(|error| DataplaneError::Failed {
            step: "starting the thread that deletes stale connections".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            deltas: Some(deltas),
            thread: Some(thread),
            conntrack,
        })
    }

    /// Has what a delta makes stale deleted soon.
    pub fn tell(&self, delta: &Delta) {
        let mut losses = Losses::default();
        losses.add(delta);
        if let Some(deltas) = self.deltas.as_ref().filter(|_| !losses.is_empty()) {
            // The thread is gone only if it panicked, which it has told then.
            let _ = deltas.send(delta.clone());
        }
    }

    /// Deletes what a plan would not have made.
    pub fn check(&mut self, plan: &Plan) {
        let frontends = Frontends::of(plan);
        report(delete(&mut self.conntrack, |flow| frontends.is_stale(flow)));
    }
}

impl Drop for Forgetter {
    fn drop(&mut self) {
        self.deltas = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was told where it happened.
            let _ = thread.join();
        }
    }
}

fn work(queue: &Receiver<Delta>, mut conntrack: Conntrack) {
    while let Ok(delta) = queue.recv() {
        let mut losses = Losses::default();
        losses.add(&delta);
        while let Ok(delta) = queue.try_recv() {
            losses.add(&delta);
        }
        if !losses.is_empty() {
            report(delete(&mut conntrack, |flow| losses.is_stale(flow)));
        }
    }
}

fn delete(
    conntrack: &mut Conntrack,
    is_stale: impl Fn(&Flow) -> bool,
) -> Result<usize, SocketError> {
    let started = Instant::now();
    let stale = conntrack.flows(is_stale)?;
    let (v4, v6): (Vec<Flow>, Vec<Flow>) = stale
        .into_iter()
        .partition(|flow| flow.original.destination.is_ipv4());
    let mut deleted = 0;
    for (family, flows) in [(IpFamily::V4, v4), (IpFamily::V6, v6)] {
        let of_family = conntrack.delete(&flows)?;
        clean_ups::count_deleted(family, of_family);
        deleted += of_family;
    }
    clean_ups::count_pass(started.elapsed());
    Ok(deleted)
}

/// That connections can't be deleted is no reason to fail: the rules are right, and connections end
/// by themselves some time.
fn report(deleted: Result<usize, SocketError>) {
    match deleted {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "deleted connections to backends that are gone"),
        Err(error) => tracing::warn!(%error, "connections to backends that are gone may stay"),
    }
}

fn of_socket(mode: &'static str, error: SocketError) -> DataplaneError {
    match error {
        SocketError::Open(Errno::EPERM | Errno::EACCES) => DataplaneError::NotPermitted { mode },
        SocketError::Open(Errno::EPROTONOSUPPORT | Errno::EAFNOSUPPORT) => {
            DataplaneError::Missing {
                mode,
                missing: "connection tracking in the kernel".to_owned(),
                remedy: "load the module nf_conntrack_netlink".to_owned(),
            }
        }
        error => DataplaneError::Failed {
            step: "opening netlink for conntrack".to_owned(),
            reason: error.to_string(),
        },
    }
}
