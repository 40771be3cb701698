//! Writing a catalogue entry: what `k8s-openapi` knows of a type is taken from it.

use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope, Resource};
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Conversion, Deletion, Kind, StatusRule,
    rules::{Rules, TypedRules},
};

/// The scopes that an object can have.
pub(super) trait ObjectScope {
    const NAMESPACED: bool;
}

impl ObjectScope for ClusterResourceScope {
    const NAMESPACED: bool = false;
}

impl ObjectScope for NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl Kind {
    /// An entry for the type `T` with the given rules; everything else as most kinds have it.
    pub(super) fn new<T>(rules: TypedRules<T>) -> Self
    where
        T: Resource + Serialize + DeserializeOwned + JsonSchema + 'static,
        T::Scope: ObjectScope,
    {
        Self::with_rules::<T>(Box::new(rules))
    }

    /// Likewise with rules that are more than plain functions.
    pub(super) fn with_rules<T>(rules: Box<dyn Rules>) -> Self
    where
        T: Resource + JsonSchema,
        T::Scope: ObjectScope,
    {
        let group_folder = if T::GROUP.is_empty() {
            "core"
        } else {
            T::GROUP
        };
        Self {
            group: T::GROUP,
            version: T::VERSION,
            kind: T::KIND,
            plural: T::URL_PATH_SEGMENT,
            singular: T::KIND.to_ascii_lowercase(),
            short_names: &[],
            categories: &[],
            namespaced: T::Scope::NAMESPACED,
            storage: format!("{group_folder}/{}", T::URL_PATH_SEGMENT),
            has_scale: false,
            status: StatusRule::Plain,
            counts_generations: false,
            deletion: Deletion::AtOnce,
            selectable: &[],
            rules,
            conversion: None,
            schema: |generator| generator.subschema_for::<T>(),
        }
    }

    pub(super) fn short(self, short_names: &'static [&'static str]) -> Self {
        Self {
            short_names,
            ..self
        }
    }

    /// Part of `kubectl get all`.
    pub(super) fn in_all(self) -> Self {
        Self {
            categories: &["all"],
            ..self
        }
    }

    pub(super) fn scale(self) -> Self {
        Self {
            has_scale: true,
            ..self
        }
    }

    pub(super) fn status(self, status: StatusRule) -> Self {
        Self { status, ..self }
    }

    pub(super) fn generations(self) -> Self {
        Self {
            counts_generations: true,
            ..self
        }
    }

    pub(super) fn deletion(self, deletion: Deletion) -> Self {
        Self { deletion, ..self }
    }

    pub(super) fn selectable(self, selectable: &'static [&'static str]) -> Self {
        Self { selectable, ..self }
    }

    /// Serves the objects of another kind in a form of its own.
    pub(super) fn view_of(self, storage: &str, conversion: Conversion) -> Self {
        Self {
            storage: storage.to_owned(),
            conversion: Some(conversion),
            ..self
        }
    }
}
