//! Which ReplicaSet belongs to the Deployment's current template.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;

use crate::template_hash;

/// The label that tells the pods of different templates apart.
pub(super) const HASH_LABEL: &str = "pod-template-hash";

/// The ReplicaSet has the Deployment's present template, the hash label aside.
pub(super) fn has_template_of(replica_set: &ReplicaSet, deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().map(|spec| spec.template.clone());
    let present = replica_set
        .spec
        .as_ref()
        .and_then(|spec| spec.template.clone());
    wanted.map(without_hash) == present.map(without_hash)
}

/// A name for a template. A Deployment whose hash is taken by a different template counts its
/// collisions and gets another one.
pub(super) fn hash(template: &PodTemplateSpec, collisions: i32) -> String {
    // Every map in the type is sorted and nothing in it can fail to become JSON.
    let text = serde_json::to_vec(&without_hash(template.clone())).unwrap_or_default();
    template_hash::hash(&text, collisions)
}

fn without_hash(mut template: PodTemplateSpec) -> PodTemplateSpec {
    let metadata = template.metadata.get_or_insert_default();
    let labels = metadata.labels.get_or_insert_default();
    labels.remove(HASH_LABEL);
    metadata.annotations.get_or_insert_default();
    template
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(image: &str) -> PodTemplateSpec {
        serde_json::from_value(serde_json::json!({
            "metadata": {"labels": {"app": "a"}},
            "spec": {"containers": [{"name": "c", "image": image}]},
        }))
        .expect("a template")
    }

    #[test]
    fn the_hash_tells_templates_and_collisions_apart_and_ignores_its_own_label() {
        let hash_of = |image, collisions| hash(&template(image), collisions);
        assert_eq!(hash_of("a", 0), hash_of("a", 0));
        assert_ne!(hash_of("a", 0), hash_of("b", 0));
        assert_ne!(hash_of("a", 0), hash_of("a", 1));
        assert_eq!(hash_of("a", 0).len(), template_hash::HASH_LENGTH);

        let mut labelled = template("a");
        let metadata = labelled.metadata.get_or_insert_default();
        let labels = metadata.labels.get_or_insert_default();
        labels.insert(HASH_LABEL.to_owned(), "x".to_owned());
        assert_eq!(hash(&labelled, 0), hash_of("a", 0));
    }
}
