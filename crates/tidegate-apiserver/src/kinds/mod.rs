//! The kinds that this server knows: one table entry each.
//!
//! Handlers are written once and take a [`Kind`]; what differs between kinds stands in its entry
//! (names, scope, subresources, field selectors) and in its [`Rules`] (defaults and validation,
//! made of pure functions of `tidegate-model`). Adding a kind is adding an entry to
//! [`catalogue`].

mod builder;
mod catalogue;
mod events;
mod lookup;
mod metadata_rules;
mod normalise;
mod rules;
mod secrets;

use std::collections::BTreeMap;

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(crate) use self::{
    lookup::{Kinds, kinds},
    rules::{Admitted, DecodeError, Decoded, Refusal, Rules, decode_with},
};
use crate::error::Resource;

/// Everything that the generic handlers need to know of a kind.
pub(crate) struct Kind {
    /// Empty for core.
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) singular: String,
    pub(crate) short_names: &'static [&'static str],
    pub(crate) categories: &'static [&'static str],
    pub(crate) namespaced: bool,
    /// Where objects live in the store, `GROUP/PLURAL`. Two API groups may serve the same objects.
    pub(crate) storage: String,
    pub(crate) has_scale: bool,
    pub(crate) status: StatusRule,
    /// Whether `metadata.generation` counts the changes of what the user asked for.
    pub(crate) counts_generations: bool,
    pub(crate) deletion: Deletion,
    /// Dotted paths that a field selector may name, besides `metadata.name` and `.namespace`.
    pub(crate) selectable: &'static [&'static str],
    pub(crate) rules: Box<dyn Rules>,
    /// Between the served and the stored form, where these differ.
    pub(crate) conversion: Option<Conversion>,
    /// The schema for OpenAPI; adds what it refers to, to the generator.
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

/// Who may write `status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatusRule {
    /// The kind has no status, or it is written like every other field.
    Plain,
    /// Only through `/status`; a create starts without one.
    Subresource,
    /// Only through `/status`, but a create may bring one (nodes register with theirs).
    SubresourceKeptOnCreate,
}

/// How an object of the kind goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// At once unless finalizers hold it.
    AtOnce,
    /// A pod on a node stays until the node has ended it.
    PodGrace,
    /// Stays until its content is gone and `spec.finalizers` is empty.
    Namespace,
    /// Not while a Service has the address: that would let two Services get the same.
    ServiceAddress,
}

/// Two forms of the same object.
pub(crate) struct Conversion {
    pub(crate) to_served: fn(Value) -> Value,
    pub(crate) to_stored: fn(Value) -> Value,
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The name that errors carry.
    pub(crate) fn resource(&self) -> Resource {
        Resource {
            group: self.group,
            plural: self.plural,
        }
    }

    pub(crate) fn has_status_subresource(&self) -> bool {
        self.status != StatusRule::Plain
    }

    /// The subresources that exist, with the verbs each knows.
    pub(crate) fn subresources(&self) -> BTreeMap<&'static str, Subresource> {
        let mut all = BTreeMap::new();
        let own = |verbs| Subresource {
            group: self.group,
            version: self.version,
            kind: self.kind,
            verbs,
        };
        if self.has_status_subresource() {
            all.insert("status", own(&["get", "patch", "update"]));
        }
        if self.has_scale {
            let verbs = &["get", "patch", "update"];
            all.insert(
                "scale",
                Subresource {
                    group: "autoscaling",
                    version: "v1",
                    kind: "Scale",
                    verbs,
                },
            );
        }
        match self.deletion {
            Deletion::PodGrace => {
                all.insert("log", own(&["get"]));
                all.insert(
                    "exec",
                    Subresource {
                        group: "",
                        version: "v1",
                        kind: "PodExecOptions",
                        verbs: &["create", "get"],
                    },
                );
                let verbs = &["create"];
                all.insert(
                    "binding",
                    Subresource {
                        group: "",
                        version: "v1",
                        kind: "Binding",
                        verbs,
                    },
                );
                all.insert(
                    "eviction",
                    Subresource {
                        group: "policy",
                        version: "v1",
                        kind: "Eviction",
                        verbs,
                    },
                );
            }
            Deletion::Namespace => {
                all.insert("finalize", own(&["update"]));
            }
            Deletion::AtOnce | Deletion::ServiceAddress => {}
        }
        all
    }
}

/// A part of an object with a path of its own.
pub(crate) struct Subresource {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) verbs: &'static [&'static str],
}

impl std::fmt::Debug for Kind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}", self.api_version(), self.kind)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        (self.group, self.version, self.plural) == (other.group, other.version, other.plural)
    }
}
