//! Defaults and validation of API objects, in upstream's words.
//!
//! One module for each kind has the same few functions: `defaults` fills in what the user left
//! out, `validate_create` and `validate_update` say what is wrong. Services have more rules than
//! all the others together and a room of their own: [`crate::service_api`].
//!
//! Nothing here trusts its input. The functions are total: any object that decodes gets an answer.

pub(crate) mod addresses;
mod cause;
pub mod config_maps;
pub mod controller_revisions;
pub mod deployments;
pub mod endpoint_slices;
pub mod endpoints;
pub mod events;
mod field_path;
pub(crate) mod formats;
mod invalid;
pub(crate) mod labels;
pub mod leases;
pub mod namespaces;
pub mod nodes;
pub mod object_meta;
mod pod_templates;
pub mod pods;
mod ports;
pub mod replica_sets;
pub mod stateful_sets;

pub use cause::{Cause, CauseReason};
pub use field_path::FieldPath;
pub use invalid::Invalid;
pub(crate) use ports::{check_port_name, check_port_number, check_port_or_name, check_protocol};
