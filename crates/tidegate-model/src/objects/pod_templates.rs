//! The part that all workloads have in common: a selector and a pod template.

use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::labels::{
    check_annotations, check_labels, check_selector, is_empty_selector, selector_matches,
};
use super::object_meta::{as_json, immutable};
use super::pods::{check_spec, default_spec};
use super::{Cause, FieldPath};

/// Fills in the defaults of a template's pods.
pub(super) fn default_template(template: &mut PodTemplateSpec) {
    default_spec(template.spec.get_or_insert_default());
}

/// Checks that an update leaves the selector as it is.
pub(super) fn check_selector_stays(old: &LabelSelector, new: &LabelSelector) -> Option<Cause> {
    let path = FieldPath::root("spec").child("selector");
    (old != new).then(|| immutable(&path, as_json(new)))
}

/// Checks a selector, the template, and that the one selects the pods of the other.
///
/// A selector that is missing and one that is empty look the same here: both are missed. `kind` is
/// what messages call the workload.
pub(super) fn check_selected_template(
    kind: &str,
    path: &FieldPath,
    selector: &LabelSelector,
    template: &PodTemplateSpec,
) -> Vec<Cause> {
    let selector_path = path.child("selector");
    let is_empty = is_empty_selector(selector);
    let mut causes = if is_empty {
        vec![Cause::required(&selector_path, "")]
    } else {
        check_selector(&selector_path, selector)
    };
    let path = path.child("template");
    let meta = template.metadata.clone().unwrap_or_default();
    let labels = meta.labels.unwrap_or_default();
    let meta_path = path.child("metadata");
    if is_empty || !selector_matches(selector, &labels) {
        let complaint = "`selector` does not match template `labels`";
        causes.push(Cause::invalid(
            &meta_path.child("labels"),
            as_json(&labels),
            complaint,
        ));
    }
    causes.extend(check_labels(&path.child("labels"), &labels));
    if let Some(annotations) = &meta.annotations {
        causes.extend(check_annotations(&path.child("annotations"), annotations));
    }
    let path = path.child("spec");
    let spec = template.spec.clone().unwrap_or_default();
    causes.extend(check_spec(&path, &spec));
    let restart = spec.restart_policy.as_deref().unwrap_or_default();
    if !matches!(restart, "" | "Always") {
        causes.push(Cause::unsupported(
            &path.child("restartPolicy"),
            restart,
            &["Always"],
        ));
    }
    if spec.active_deadline_seconds.is_some() {
        let complaint = format!("activeDeadlineSeconds in {kind} is not Supported");
        causes.push(Cause::forbidden(
            &path.child("activeDeadlineSeconds"),
            complaint,
        ));
    }
    causes
}
