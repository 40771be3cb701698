//! Listening and serving HTTP for the built-in programs.

use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;

use axum::Router;
use tokio::net::TcpListener;

use super::ImageError;

/// Serves `router` until it fails.
pub(super) async fn serve(listener: TcpListener, router: Router) -> Result<ExitCode, ImageError> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(ExitCode::SUCCESS)
}

/// Listens on all addresses of the pod, in both address families, or on IPv4 alone where the kernel has no IPv6.
pub(super) fn listen(port: u16) -> Result<TcpListener, ImageError> {
    let listener = any_address(port, std::net::TcpListener::bind)?;
    listener.set_nonblocking(true)?;
    Ok(TcpListener::from_std(listener)?)
}

/// Binds to `[::]`, which takes IPv4 too, and falls back to `0.0.0.0`.
pub(super) fn any_address<T>(
    port: u16,
    bind: impl Fn(SocketAddr) -> std::io::Result<T>,
) -> Result<T, ImageError> {
    let every_six = SocketAddr::from(([0u16; 8], port));
    let every_four = SocketAddr::from(([0u8; 4], port));
    bind(every_six)
        .or_else(|_| bind(every_four))
        .map_err(|error| ImageError::Listen {
            address: format!("port {port}"),
            error,
        })
}

/// The peer as it would be written without the mapping of IPv4 into IPv6.
pub(super) fn plain(peer: SocketAddr) -> SocketAddr {
    let ip: IpAddr = peer.ip().to_canonical();
    SocketAddr::new(ip, peer.port())
}
