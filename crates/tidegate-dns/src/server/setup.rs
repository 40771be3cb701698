//! What a server is told beside its configuration.

use std::net::IpAddr;

/// What a server is told beside its configuration.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Where server blocks listen that don't say where; everywhere if there is none.
    pub addresses: Vec<IpAddr>,
    /// Addresses under which clients reach this server, the Service's cluster IP included: they
    /// lead to the zone's NS records, and no query is ever forwarded to them.
    pub advertised: Vec<IpAddr>,
    /// What the node's own resolver searches, for the end of clients' search paths.
    pub search: Vec<String>,
}
