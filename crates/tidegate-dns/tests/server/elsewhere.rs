//! A server outside the cluster: a second tidegate with a domain of its own.

use serde_json::json;

use crate::cluster::{Cluster, config_of};

/// A server that knows `db.default.svc.example.org`, which is 192.0.2.7, and the hundred addresses of
/// `many.default.svc.example.org`.
pub(crate) async fn elsewhere() -> Cluster {
    let other = Cluster::start(&config_of("example.org", &[]));
    other.set_service("db", json!({"clusterIP": "192.0.2.7"}));
    other.set_service("many", json!({"clusterIP": "None"}));
    let addresses: Vec<String> = (0..100).map(|last| format!("192.0.2.{last}")).collect();
    other.set_endpoints("many", &addresses);
    other.feed.synced();
    other.until("db.default.svc.example.org", "192.0.2.7").await;
    other
}
