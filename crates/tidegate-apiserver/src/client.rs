//! A `kube::Client` that calls the router in this process: no socket, no certificates.

use axum::Router;
use http::Request;
use tower::{ServiceExt, service_fn};

use crate::identity::Identity;

/// A client with the rights of the server itself.
pub(crate) fn in_process_client(router: Router) -> kube::Client {
    let service = service_fn(move |request: Request<kube::client::Body>| {
        let router = router.clone();
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Identity::in_process());
        async move { router.oneshot(request).await }
    });
    kube::Client::new(service, "default")
}
