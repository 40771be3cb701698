//! The beginning and the end of a server: telling that it is up, ending without failing a caller.

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{ImageError, log};
use crate::internal::channel::Channel;

/// How long a server goes on accepting after it was asked to end. Its address leaves the service at
/// the same moment, but callers may still be on their way with the old one.
const LINGER: Duration = Duration::from_secs(2);

/// A program that has not told its parent yet that it is up.
///
/// A container of a built-in image counts as started once its ports are open, not already when its
/// process exists: so a pod without a readiness probe never gets a call too early.
pub(super) struct Starting {
    parent: Option<Channel>,
    signals: Signals,
}

impl Starting {
    /// Has to come first: the first process of a PID namespace does not even get signals that it
    /// does not handle.
    pub(super) fn new() -> Result<Self, ImageError> {
        let signals = Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        };
        // Started by hand, there is no socket and nobody to tell.
        Ok(Self {
            parent: Channel::take_from_stdin().ok(),
            signals,
        })
    }

    /// Every port is open now.
    pub(super) fn up(self) -> Signals {
        drop(self.parent);
        self.signals
    }
}

/// The signals that ask a program to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Waits until the pod is asked to end.
    pub(super) async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Runs `server` until it fails or until some time after the pod was asked to end.
    pub(super) async fn serve(
        self,
        server: impl Future<Output = Result<ExitCode, ImageError>>,
        extra: Duration,
    ) -> Result<ExitCode, ImageError> {
        let end = async {
            self.wait().await;
            log("Shutting down after receiving signal: terminated.");
            tokio::time::sleep(LINGER + extra).await;
        };
        tokio::select! {
            result = server => result,
            () = end => Ok(ExitCode::SUCCESS),
        }
    }
}
