//! A live snapshot of Services, slices and namespaces from a Kubernetes API.
//!
//! [`ClusterWatch::start`] watches; every [`Subscription`] is told which Services changed and reads
//! the [`Snapshot`](tidegate_model::Snapshot). Changes that nobody has fetched yet are merged, so
//! a slow subscriber costs a bounded amount of memory and skips states that nobody needs any more.
//! Nothing here decides what a change means.

mod cluster_watch;
mod feed;
mod node;
mod pods;
mod reflect;
mod scope;
mod service_cidrs;
mod subscription;

pub use cluster_watch::ClusterWatch;
pub use feed::Feed;
pub use node::{NodeFacts, NodeState, follow_node};
pub use pods::{PodKey, PodListener};
pub use scope::{Scope, Selectors};
pub use service_cidrs::follow_service_cidrs;
pub use subscription::{Backlog, Changes, Subscription, Unread};
