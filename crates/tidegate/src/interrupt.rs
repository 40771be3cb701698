//! Ctrl-C, and the polite way of ending a service.

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that is cancelled by SIGINT or SIGTERM. A second signal ends the process at once.
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
        next().await;
        tracing::warn!("ending at once; `tidegate cleanup` removes what is left");
        std::process::exit(130);
    });
    Ok(token)
}
