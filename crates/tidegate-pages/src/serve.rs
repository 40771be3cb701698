//! Serving on an address that somebody else may have at first.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::bounded::{CONNECTIONS, Slots, serve};
use crate::listen::listen;

/// How long to wait before an address that is taken is tried again.
pub const BIND_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Serves until `shutdown`. Without a listener the address is tried again until it is free.
pub async fn keep_serving(
    listener: Option<TcpListener>,
    address: SocketAddr,
    router: Router,
    shutdown: CancellationToken,
) {
    let serving = async {
        let listener = match listener {
            Some(listener) => listener,
            None => listen_later(address).await,
        };
        serve(listener, router, &Slots::new(CONNECTIONS)).await;
    };
    shutdown.run_until_cancelled(serving).await;
}

async fn listen_later(address: SocketAddr) -> TcpListener {
    loop {
        tokio::time::sleep(BIND_AGAIN_AFTER).await;
        match listen(address) {
            Ok(listener) => {
                tracing::info!(%address, "the address is free now");
                return listener;
            }
            Err(error) => tracing::debug!(%address, %error, "still can't be listened on"),
        }
    }
}
