//! A Deployment's ReplicaSets while a decision about them is made.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet, ReplicaSetSpec, ReplicaSetStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::bounds::Bounds;
use super::revision::{DESIRED_REPLICAS, MAX_REPLICAS};
use super::template::{HASH_LABEL, has_template_of, hash};
use crate::object;

/// One set as it should be, and as it is (absent if it does not exist yet).
#[derive(Clone, Debug)]
pub(super) struct Ship {
    pub(super) stored: Option<Arc<ReplicaSet>>,
    pub(super) wanted: ReplicaSet,
}

/// The set of the current template, and all others, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    pub(super) current: Option<Ship>,
    pub(super) old: Vec<Ship>,
}

impl Fleet {
    /// Finds the current set: the oldest one with the Deployment's template.
    pub(super) fn of(deployment: &Deployment, replica_sets: &[Arc<ReplicaSet>]) -> Self {
        let mut sets: Vec<_> = replica_sets.iter().collect();
        let age = |set: &ReplicaSet| {
            let created = set.metadata.creation_timestamp.as_ref().map(|time| time.0);
            (created, set.metadata.name.clone())
        };
        sets.sort_by_key(|set| age(set));
        let position = sets.iter().position(|set| has_template_of(set, deployment));
        let current = position.map(|position| Ship::stored(sets.remove(position)));
        let old = sets.into_iter().map(Ship::stored).collect();
        Self { current, old }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Ship> {
        self.old.iter().chain(&self.current)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Ship> {
        self.old.iter_mut().chain(&mut self.current)
    }

    /// How many pods all sets together are asked for.
    pub(super) fn replicas(&self) -> i64 {
        self.all().map(Ship::replicas).sum()
    }

    /// How many pods of all sets serve.
    pub(super) fn available(&self) -> i64 {
        self.all().map(Ship::available).sum()
    }
}

impl Ship {
    fn stored(set: &Arc<ReplicaSet>) -> Self {
        Self {
            stored: Some(Arc::clone(set)),
            wanted: ReplicaSet::clone(set),
        }
    }

    /// A set for the Deployment's template, with no pods yet.
    pub(super) fn build(deployment: &Deployment) -> Self {
        let spec = deployment.spec.clone().unwrap_or_default();
        let collisions = deployment
            .status
            .as_ref()
            .and_then(|status| status.collision_count);
        let hash = hash(&spec.template, collisions.unwrap_or(0));
        let with_hash = |labels: Option<BTreeMap<String, String>>| {
            let mut labels = labels.unwrap_or_default();
            labels.insert(HASH_LABEL.to_owned(), hash.clone());
            Some(labels)
        };
        let mut template = spec.template;
        let template_metadata = template.metadata.get_or_insert_default();
        template_metadata.labels = with_hash(template_metadata.labels.take());
        let labels = template_metadata.labels.clone();
        let mut selector = spec.selector;
        selector.match_labels = with_hash(selector.match_labels.take());
        let name = object::name(&deployment.metadata);
        let wanted = ReplicaSet {
            metadata: ObjectMeta {
                namespace: deployment.metadata.namespace.clone(),
                name: Some(format!("{name}-{hash}")),
                labels,
                owner_references: object::managed_by(deployment).map(|owner| vec![owner]),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                replicas: Some(0),
                min_ready_seconds: spec.min_ready_seconds,
                selector,
                template: Some(template),
            }),
            status: None,
        };
        Self {
            stored: None,
            wanted,
        }
    }

    pub(super) fn name(&self) -> &str {
        object::name(&self.wanted.metadata)
    }

    /// How many pods the set is asked for.
    pub(super) fn replicas(&self) -> i64 {
        replicas(&self.wanted)
    }

    /// How many pods the set was asked for before; none if it does not exist yet.
    pub(super) fn stored_replicas(&self) -> i64 {
        self.stored.as_deref().map_or(0, replicas)
    }

    /// How many pods of the set serve, as it last reported.
    pub(super) fn available(&self) -> i64 {
        let available = self.status().and_then(|status| status.available_replicas);
        available.unwrap_or(0).max(0).into()
    }

    pub(super) fn status(&self) -> Option<&ReplicaSetStatus> {
        self.wanted.status.as_ref()
    }

    /// Asks the set for another number of pods and notes down what the Deployment wanted then.
    pub(super) fn scale(&mut self, replicas: i64, bounds: Bounds) {
        let replicas = i32::try_from(replicas.max(0)).unwrap_or(i32::MAX);
        self.wanted.spec.get_or_insert_default().replicas = Some(replicas);
        self.annotate(DESIRED_REPLICAS, bounds.replicas.to_string());
        self.annotate(MAX_REPLICAS, bounds.most_pods().to_string());
    }

    pub(super) fn annotate(&mut self, name: &str, value: String) {
        let annotations = self.wanted.metadata.annotations.get_or_insert_default();
        annotations.insert(name.to_owned(), value);
    }
}

fn replicas(set: &ReplicaSet) -> i64 {
    let replicas = set.spec.as_ref().and_then(|spec| spec.replicas);
    replicas.unwrap_or(1).max(0).into()
}
