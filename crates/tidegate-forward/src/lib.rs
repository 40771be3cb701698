//! Asks other servers for what the cluster does not know, and remembers what they said.
//!
//! A [`Resolver`] belongs to one `forward` and `cache` of a server's configuration. A server calls
//! [`Resolver::cached`] for every packet: it neither waits nor allocates. What that misses,
//! [`Resolver::resolve`] asks an upstream for: equal questions at one time are asked once, an
//! upstream that fails makes way for the next, and the reply is kept for as long as it says.
//!
//! A reply is a [`Stored`]: decoded once, strictly, and encoded again so that its bytes follow any
//! header and question, with the places of the TTLs noted. Answering from it is a copy.
//!
//! Nothing here knows the cluster's zone, a client's socket or a configuration file. Several
//! `forward`s, as stub domains are, are several resolvers; which of them is asked, and which names
//! none is asked for ([`excepts`]), is the caller's.

mod asker;
mod cache;
mod counters;
mod in_flight;
mod own_addresses;
mod question;
mod resolver;
mod settings;
mod stored;
mod upstream;
mod zone_name;

pub use cache::{CacheSettings, Entries, Lookup, Prefetch, Refresh, ShelfSettings, Stale};
pub use counters::{Counters, HISTOGRAM_BOUNDS, OTHER_CODE, UpstreamCounters};
pub use own_addresses::OwnAddresses;
pub use question::{OwnedQuestion, Question};
pub use resolver::{ResolveError, Resolver};
pub use settings::{
    ClientCertificate, HealthCheck, Policy, Settings, SetupError, Tls, UpstreamSource,
};
pub use stored::Stored;
pub use upstream::Protocol;
pub use zone_name::{InvalidZoneName, ZoneName, excepts};
