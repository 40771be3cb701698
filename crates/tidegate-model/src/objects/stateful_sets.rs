//! StatefulSets: defaults and validation (apps/v1).

use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::deployments::{amount, check_count, shown};
use super::object_meta::{self, NameFormat, Scope, as_json};
use super::pod_templates::{check_selected_template, default_template};
use super::pods::check_not_negative;
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("apps", "StatefulSet");

/// Fills in the defaults of a StatefulSet and of its pods (`SetDefaults_StatefulSet`).
///
/// Calling it again changes nothing.
pub fn defaults(stateful_set: &mut StatefulSet) {
    let spec = stateful_set.spec.get_or_insert_default();
    default_template(&mut spec.template);
    spec.replicas.get_or_insert(1);
    spec.revision_history_limit.get_or_insert(10);
    default_text(&mut spec.pod_management_policy, "OrderedReady");
    let strategy = spec.update_strategy.get_or_insert_default();
    default_text(&mut strategy.type_, "RollingUpdate");
    if strategy.type_.as_deref() == Some("RollingUpdate") {
        let rolling = strategy.rolling_update.get_or_insert_default();
        rolling.partition.get_or_insert(0);
    }
    let retention = spec
        .persistent_volume_claim_retention_policy
        .get_or_insert_default();
    default_text(&mut retention.when_deleted, "Retain");
    default_text(&mut retention.when_scaled, "Retain");
}

fn default_text(field: &mut Option<String>, default: &str) {
    field.take_if(|text| text.is_empty());
    field.get_or_insert_with(|| default.to_owned());
}

/// Checks a new StatefulSet, after its defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(stateful_set: &StatefulSet) -> Result<(), Invalid> {
    let causes = check(stateful_set);
    Invalid::unless_empty(KIND, stateful_set.metadata.name.as_deref(), causes)
}

/// Checks a changed StatefulSet against what it was: only how many pods there are, what they are
/// made from and how they are replaced may change.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &StatefulSet, new: &StatefulSet) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    if let (Some(old), Some(new)) = (&old.spec, &new.spec)
        && lasting_part(old) != lasting_part(new)
    {
        let complaint = "updates to statefulset spec for fields other than 'replicas', \
                         'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
                         'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
        causes.push(Cause::forbidden(&FieldPath::root("spec"), complaint));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

/// The fields that stay as they were at the beginning.
fn lasting_part(spec: &StatefulSetSpec) -> StatefulSetSpec {
    StatefulSetSpec {
        pod_management_policy: spec.pod_management_policy.clone(),
        selector: spec.selector.clone(),
        service_name: spec.service_name.clone(),
        volume_claim_templates: spec.volume_claim_templates.clone(),
        ..StatefulSetSpec::default()
    }
}

fn check(stateful_set: &StatefulSet) -> Vec<Cause> {
    let mut causes = object_meta::check(
        &stateful_set.metadata,
        Scope::Namespaced,
        NameFormat::Subdomain,
    );
    let spec = stateful_set.spec.clone().unwrap_or_default();
    let path = FieldPath::root("spec");
    let policy = spec.pod_management_policy.as_deref().unwrap_or_default();
    if !matches!(policy, "OrderedReady" | "Parallel") {
        let complaint = "must be 'OrderedReady' or 'Parallel'";
        let path = path.child("podManagementPolicy");
        causes.push(Cause::invalid(&path, policy, complaint));
    }
    let strategy = spec.update_strategy.clone().unwrap_or_default();
    causes.extend(check_strategy(&path.child("updateStrategy"), &strategy));
    for (field, value) in [
        ("replicas", spec.replicas),
        ("minReadySeconds", spec.min_ready_seconds),
        ("revisionHistoryLimit", spec.revision_history_limit),
    ] {
        causes.extend(check_not_negative(&path.child(field), value.map(i64::from)));
    }
    let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start);
    let start_path = path.child("ordinals").child("start");
    causes.extend(check_not_negative(&start_path, start.map(i64::from)));
    causes.extend(check_claims(&path.child("volumeClaimTemplates"), &spec));
    causes.extend(check_retention(&path, &spec));
    causes.extend(check_selected_template(
        "StatefulSet",
        &path,
        &spec.selector,
        &spec.template,
    ));
    causes
}

fn check_strategy(path: &FieldPath, strategy: &StatefulSetUpdateStrategy) -> Vec<Cause> {
    let rolling_path = path.child("rollingUpdate");
    let kind = strategy.type_.as_deref().unwrap_or_default();
    match (kind, &strategy.rolling_update) {
        ("OnDelete", None) | ("RollingUpdate", None) => Vec::new(),
        ("OnDelete", Some(rolling)) => {
            let complaint = "only allowed for updateStrategy 'RollingUpdate'";
            vec![Cause::invalid(&rolling_path, as_json(rolling), complaint)]
        }
        ("RollingUpdate", Some(rolling)) => check_rolling(&rolling_path, rolling),
        _ => {
            let complaint = "must be 'RollingUpdate' or 'OnDelete'";
            vec![Cause::invalid(path, as_json(strategy), complaint)]
        }
    }
}

fn check_rolling(path: &FieldPath, rolling: &RollingUpdateStatefulSetStrategy) -> Vec<Cause> {
    let mut causes = Vec::new();
    let partition = rolling.partition.map(i64::from);
    causes.extend(check_not_negative(&path.child("partition"), partition));
    if let Some(unavailable) = &rolling.max_unavailable {
        let path = path.child("maxUnavailable");
        causes.extend(check_count(&path, unavailable));
        let is_percentage = matches!(unavailable, IntOrString::String(_));
        let complaint = match amount(unavailable) {
            Some(0) => "cannot be 0",
            Some(percent) if is_percentage && percent > 100 => "must not be greater than 100%",
            _ => return causes,
        };
        causes.push(Cause::invalid(&path, shown(unavailable), complaint));
    }
    causes
}

/// There are no persistent volumes on one machine; a set that asks for some would lose what it
/// believes to keep.
fn check_claims(path: &FieldPath, spec: &StatefulSetSpec) -> Vec<Cause> {
    let claims = spec.volume_claim_templates.iter().flatten().enumerate();
    let refuse = |(index, claim): (usize, &k8s_openapi::api::core::v1::PersistentVolumeClaim)| {
        let name = claim.metadata.name.as_deref().unwrap_or_default();
        let complaint = format!(
            "claim {name:?}: standalone Tidegate has no persistent volumes; use an emptyDir or a \
             hostPath volume in spec.template.spec.volumes"
        );
        Cause::forbidden(&path.index(index), complaint)
    };
    claims.map(refuse).collect()
}

fn check_retention(path: &FieldPath, spec: &StatefulSetSpec) -> Vec<Cause> {
    let policy = spec.persistent_volume_claim_retention_policy.clone();
    let policy = policy.unwrap_or_default();
    let path = path.child("persistentVolumeClaimRetentionPolicy");
    let fields = [
        ("whenDeleted", policy.when_deleted),
        ("whenScaled", policy.when_scaled),
    ];
    let known = ["Delete", "Retain"];
    let wrong = fields.into_iter().filter_map(|(field, value)| {
        let value = value.filter(|value| !known.contains(&value.as_str()))?;
        Some(Cause::unsupported(&path.child(field), value, &known))
    });
    wrong.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn stateful_set(spec: Value) -> StatefulSet {
        let mut value = json!({
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
                "serviceName": "web",
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "web", "image": "serve_hostname"}]},
                },
            },
        });
        for (field, field_value) in spec.as_object().expect("an object") {
            value["spec"][field] = field_value.clone();
        }
        let mut stateful_set = serde_json::from_value(value).expect("a StatefulSet");
        defaults(&mut stateful_set);
        stateful_set
    }

    fn refusal(spec: Value) -> String {
        let refused = validate_create(&stateful_set(spec)).expect_err("refused");
        let text = refused.to_string();
        let fault = text.strip_prefix("StatefulSet.apps \"web\" is invalid: ");
        fault.expect("the headline").to_owned()
    }

    #[test]
    fn pods_come_one_by_one_and_are_replaced_by_default() {
        let plain = stateful_set(json!({}));
        assert_eq!(validate_create(&plain), Ok(()));
        let mut again = plain.clone();
        defaults(&mut again);
        assert_eq!(again, plain);
        let spec = json!(plain)["spec"].clone();
        assert_eq!(spec["replicas"], 1);
        assert_eq!(spec["podManagementPolicy"], "OrderedReady");
        assert_eq!(
            spec["updateStrategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
        );
        let on_delete = stateful_set(json!({"updateStrategy": {"type": "OnDelete"}}));
        assert_eq!(validate_create(&on_delete), Ok(()));
    }

    #[test]
    fn faults_are_told_in_upstreams_words() {
        let rolling = |fields: Value| refusal(json!({"updateStrategy": {"rollingUpdate": fields}}));
        for (told, expected) in [
            (
                refusal(json!({"podManagementPolicy": "Random"})),
                "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or \
                 'Parallel'",
            ),
            (
                refusal(
                    json!({"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}}),
                ),
                "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed \
                 for updateStrategy 'RollingUpdate'",
            ),
            (
                refusal(json!({"updateStrategy": {"type": "Never"}})),
                "spec.updateStrategy: Invalid value: {\"type\":\"Never\"}: must be 'RollingUpdate' \
                 or 'OnDelete'",
            ),
            (
                rolling(json!({"partition": -1})),
                "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater \
                 than or equal to 0",
            ),
            (
                rolling(json!({"maxUnavailable": "0%"})),
                "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": cannot \
                 be 0",
            ),
            (
                refusal(json!({"ordinals": {"start": -2}})),
                "spec.ordinals.start: Invalid value: -2: must be greater than or equal to 0",
            ),
            (
                refusal(json!({"selector": {"matchLabels": {"app": "db"}}})),
                "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does \
                 not match template `labels`",
            ),
            (
                refusal(json!({"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Keep"}})),
                "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: \"Keep\": \
                 supported values: \"Delete\", \"Retain\"",
            ),
        ] {
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn claims_are_refused_by_their_name() {
        let told = refusal(json!({"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}));
        assert_eq!(
            told,
            "spec.volumeClaimTemplates[0]: Forbidden: claim \"data\": standalone Tidegate has no \
             persistent volumes; use an emptyDir or a hostPath volume in \
             spec.template.spec.volumes"
        );
        let none = stateful_set(json!({"volumeClaimTemplates": []}));
        assert_eq!(validate_create(&none), Ok(()));
    }

    #[test]
    fn only_what_is_carried_out_again_may_change() {
        let old = stateful_set(json!({}));
        let change = |spec: Value| validate_update(&old, &stateful_set(spec));
        assert_eq!(
            change(
                json!({"replicas": 5, "minReadySeconds": 3, "ordinals": {"start": 2},
                "updateStrategy": {"type": "OnDelete"}, "revisionHistoryLimit": 1})
            ),
            Ok(())
        );
        for other in [
            json!({"serviceName": "other"}),
            json!({"podManagementPolicy": "Parallel"}),
        ] {
            let refused = change(other).expect_err("refused").to_string();
            assert!(
                refused.contains("spec: Forbidden: updates to statefulset spec"),
                "{refused}"
            );
        }
    }
}
