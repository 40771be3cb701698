//! The record schema of cluster DNS as tables: questions, and every record of their answers.
//!
//! The rows are in `rows/`, written by hand from the DNS contract, whose numbers they bear
//! (`§1.13` is row 13 of its first section). A [`Table`] is some of them and the cluster that they
//! are about. What a row says is in `row`, in what ways it is asked in `asking`, and how an answer
//! is judged in `verdict`. A table needs nothing of a server but that it turns packets into
//! packets, so that anything from a function in this process to a program can be asked.

mod ask;
mod asking;
mod cluster;
mod dual_stack;
mod elsewhere;
mod objects;
mod packet;
mod row;
mod single_stack;
mod tables;
mod verdict;

pub use ask::{ask, code_of_zone};
pub use asking::{Ask, check};
pub use cluster::Cluster;
pub use elsewhere::serve as serve_names_elsewhere;
pub use objects::Objects;
pub use row::Row;
pub use tables::{
    ALIASES, ALL, APEX, HEADLESS, HIDDEN, IPV4, IPV6, PACKETS, POD_NAMES, PODS_DISABLED,
    PODS_INSECURE, PODS_VERIFIED, REVERSE, SERVICES, Table, UNSYNCED, ZONAL,
};
