//! Ctrl-C, and the polite way of ending a service.

use std::time::{Duration, Instant};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Programs such as `timeout` send a signal to a process and to its group, where it arrives twice.
const ECHO: Duration = Duration::from_secs(1);

/// A token that is cancelled by SIGINT or SIGTERM. A second signal, more than
/// a second later, ends the process at once.
///
/// # Errors
/// The system refuses to deliver signals.
pub(crate) fn token() -> anyhow::Result<CancellationToken> {
    let receive = |kind| signal(kind).context("signals can't be received");
    let (mut interrupt, mut terminate) = (
        receive(SignalKind::interrupt())?,
        receive(SignalKind::terminate())?,
    );
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        next().await;
        cancelled.cancel();
        let first = Instant::now();
        while first.elapsed() < ECHO {
            next().await;
        }
        tracing::warn!("ending at once; `tidegate cleanup` removes what is left");
        std::process::exit(130);
    });
    Ok(token)
}
