//! The iptables mode: the chains that operators know, through `iptables-restore`.
//!
//! Chains have the names and rules the form that kube-proxy gives them, so that what people know
//! about `iptables-save | grep KUBE` holds here too ([`render()`] prints all of it). One thing is
//! added: the chain `KUBE-TIDEGATE-CLUSTER-IPS`, which refuses what no Service claims on cluster
//! IPs.
//!
//! A Service's plan becomes chains of its own in the table `nat` and lines in the chains that all
//! Services share (pure); a change rewrites the chains that differ and adds and deletes single
//! lines. It all goes to the kernel through the host's `iptables-restore`.
//!
//! What a change costs here is in proportion to the change; what the kernel makes of it is not. The
//! legacy variant hands over the whole table at every change, and nf_tables walks all rules that
//! can be reached after every change that adds one, whatever program makes it. The example
//! `iptables_programming` measures both, beside a single unrelated rule. Chains that nobody uses any
//! more are deleted with the change that makes them useless: we know their names, where upstream
//! has to look for them, and so there is nothing to put off in large clusters.
//!
//! With session affinity, the kernel remembers the last hundred clients of each backend, unless its
//! module `xt_recent` was loaded with another `ip_list_tot`.
//!
//! This crate never talks to the API, and decides nothing that the plan has decided.

mod audit;
mod balance;
mod canonical;
mod chains;
mod change;
mod commit;
mod content;
mod edit;
mod family;
mod frame;
mod lines;
mod listing;
mod matches;
mod mode;
mod names;
mod options;
mod program;
mod removal;
mod render;
mod split;
mod sysctl;
mod tally;
mod tool;
mod variant;
mod writer;

pub use mode::IptablesMode;
pub use options::{IptablesOptions, Variant};
pub use render::render;
