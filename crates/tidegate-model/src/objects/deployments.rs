//! Deployments: defaults and validation (apps/v1).

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use super::object_meta::{self, NameFormat, Scope};
use super::pod_templates::{check_selected_template, check_selector_stays, default_template};
use super::pods::check_not_negative;
use super::{Cause, FieldPath, Invalid};

const KIND: (&str, &str) = ("apps", "Deployment");

/// Fills in the defaults of a Deployment and of its pods (`SetDefaults_Deployment`).
///
/// Calling it again changes nothing.
pub fn defaults(deployment: &mut Deployment) {
    let spec = deployment.spec.get_or_insert_default();
    default_template(&mut spec.template);
    spec.replicas.get_or_insert(1);
    spec.revision_history_limit.get_or_insert(10);
    spec.progress_deadline_seconds.get_or_insert(600);
    let strategy = spec.strategy.get_or_insert_default();
    strategy.type_.take_if(|name| name.is_empty());
    let name = strategy
        .type_
        .get_or_insert_with(|| "RollingUpdate".to_owned());
    if name == "RollingUpdate" {
        let rolling = strategy.rolling_update.get_or_insert_default();
        let quarter = || IntOrString::String("25%".to_owned());
        rolling.max_unavailable.get_or_insert_with(quarter);
        rolling.max_surge.get_or_insert_with(quarter);
    }
}

/// Checks a new Deployment, after its defaults.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_create(deployment: &Deployment) -> Result<(), Invalid> {
    let causes = check(deployment);
    Invalid::unless_empty(KIND, deployment.metadata.name.as_deref(), causes)
}

/// Checks a changed Deployment against what it was: its selector stays.
///
/// # Errors
/// [`Invalid`] with every fault.
pub fn validate_update(old: &Deployment, new: &Deployment) -> Result<(), Invalid> {
    let mut causes = object_meta::check_update(&old.metadata, &new.metadata);
    causes.extend(check(new));
    if let (Some(old), Some(new)) = (&old.spec, &new.spec) {
        causes.extend(check_selector_stays(&old.selector, &new.selector));
    }
    Invalid::unless_empty(KIND, new.metadata.name.as_deref(), causes)
}

fn check(deployment: &Deployment) -> Vec<Cause> {
    let mut causes = object_meta::check(
        &deployment.metadata,
        Scope::Namespaced,
        NameFormat::Subdomain,
    );
    let spec = deployment.spec.clone().unwrap_or_default();
    let path = FieldPath::root("spec");
    causes.extend(check_not_negative(
        &path.child("replicas"),
        spec.replicas.map(i64::from),
    ));
    // Upstream shares this check among both kinds, and speaks of the one only.
    causes.extend(check_selected_template(
        "ReplicaSet",
        &path,
        &spec.selector,
        &spec.template,
    ));
    let strategy = spec.strategy.clone().unwrap_or_default();
    causes.extend(check_strategy(&path.child("strategy"), &strategy));
    causes.extend(check_times(&path, &spec));
    causes
}

fn check_times(path: &FieldPath, spec: &DeploymentSpec) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (field, value) in [
        ("minReadySeconds", spec.min_ready_seconds),
        ("revisionHistoryLimit", spec.revision_history_limit),
        ("progressDeadlineSeconds", spec.progress_deadline_seconds),
    ] {
        causes.extend(check_not_negative(&path.child(field), value.map(i64::from)));
    }
    if let Some(deadline) = spec.progress_deadline_seconds
        && deadline <= spec.min_ready_seconds.unwrap_or(0)
    {
        let path = path.child("progressDeadlineSeconds");
        causes.push(Cause::invalid(
            &path,
            deadline,
            "must be greater than minReadySeconds",
        ));
    }
    causes
}

fn check_strategy(path: &FieldPath, strategy: &DeploymentStrategy) -> Vec<Cause> {
    let rolling_path = path.child("rollingUpdate");
    match (
        strategy.type_.as_deref().unwrap_or_default(),
        &strategy.rolling_update,
    ) {
        ("Recreate", None) => Vec::new(),
        ("Recreate", Some(_)) => {
            let complaint = "may not be specified when strategy `type` is 'Recreate'";
            vec![Cause::forbidden(&rolling_path, complaint)]
        }
        ("RollingUpdate", Some(rolling)) => check_limits(
            &rolling_path,
            rolling.max_unavailable.as_ref(),
            rolling.max_surge.as_ref(),
        ),
        ("RollingUpdate", None) => {
            vec![Cause::required(
                &rolling_path,
                "this should be defaulted and never be nil",
            )]
        }
        (other, _) => {
            let path = path.child("type");
            vec![Cause::unsupported(
                &path,
                other,
                &["Recreate", "RollingUpdate"],
            )]
        }
    }
}

/// Checks how many pods may be missing and how many may be too many during an update.
fn check_limits(
    path: &FieldPath,
    unavailable: Option<&IntOrString>,
    surge: Option<&IntOrString>,
) -> Vec<Cause> {
    let zero = IntOrString::Int(0);
    let (unavailable, surge) = (unavailable.unwrap_or(&zero), surge.unwrap_or(&zero));
    let (unavailable_path, surge_path) = (path.child("maxUnavailable"), path.child("maxSurge"));
    let mut causes = Vec::new();
    causes.extend(check_count(&unavailable_path, unavailable));
    causes.extend(check_count(&surge_path, surge));
    if amount(unavailable) == Some(0) && amount(surge) == Some(0) {
        let complaint = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid(
            &unavailable_path,
            shown(unavailable),
            complaint,
        ));
    }
    let is_percentage = matches!(unavailable, IntOrString::String(_));
    if is_percentage && amount(unavailable).is_some_and(|percent| percent > 100) {
        let complaint = "must not be greater than 100%";
        causes.push(Cause::invalid(
            &unavailable_path,
            shown(unavailable),
            complaint,
        ));
    }
    causes
}

/// The number, or the number before the percent sign.
pub(super) fn amount(value: &IntOrString) -> Option<i64> {
    match value {
        IntOrString::Int(number) => Some((*number).into()),
        IntOrString::String(text) => {
            let digits = text.strip_suffix('%')?;
            let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
            is_number.then(|| digits.parse().unwrap_or(i64::MAX))
        }
    }
}

pub(super) fn check_count(path: &FieldPath, value: &IntOrString) -> Option<Cause> {
    match (value, amount(value)) {
        (_, None) => {
            let complaint = "a valid percent string must be a numeric string followed by an \
                             ending '%' (e.g. '1%',  or '93%', regex used for validation is \
                             '[0-9]+%')";
            Some(Cause::invalid(path, shown(value), complaint))
        }
        (IntOrString::Int(_), number) => check_not_negative(path, number),
        _ => None,
    }
}

pub(super) fn shown(value: &IntOrString) -> Value {
    match value {
        IntOrString::Int(number) => (*number).into(),
        IntOrString::String(text) => text.as_str().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(spec: Value) -> Deployment {
        let mut value = json!({
            "metadata": {"name": "web", "namespace": "default"},
            "spec": {
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
        let mut deployment = serde_json::from_value(value).expect("a Deployment");
        defaults(&mut deployment);
        deployment
    }

    fn refusal(spec: Value) -> String {
        validate_create(&deployment(spec))
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn a_deployment_rolls_by_quarters() {
        let spec = json!(deployment(json!({})))["spec"].clone();
        assert_eq!(validate_create(&deployment(json!({}))), Ok(()));
        assert_eq!(spec["replicas"], 1);
        assert_eq!(spec["revisionHistoryLimit"], 10);
        assert_eq!(spec["progressDeadlineSeconds"], 600);
        assert_eq!(
            spec["strategy"],
            json!({
                "type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
            })
        );
        assert_eq!(spec["template"]["spec"]["restartPolicy"], "Always");
        assert_eq!(spec["template"]["spec"].get("enableServiceLinks"), None);
    }

    #[test]
    fn selectors_must_select_the_template() {
        assert_eq!(
            refusal(json!({"selector": {"matchLabels": {"app": "db"}}})),
            "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: \
             {\"app\":\"web\"}: `selector` does not match template `labels`"
        );
        assert!(refusal(json!({"selector": {}})).contains("spec.selector: Required value"));
        let old = deployment(json!({}));
        let mut new = old.clone();
        let selector = json!({"matchLabels": {"app": "web", "tier": "x"}});
        let spec = new.spec.as_mut().expect("a specification");
        spec.selector = serde_json::from_value(selector).expect("a selector");
        let labels = spec
            .template
            .metadata
            .as_mut()
            .and_then(|meta| meta.labels.as_mut());
        labels.expect("labels").insert("tier".into(), "x".into());
        assert_eq!(
            validate_update(&old, &new)
                .expect_err("refused")
                .to_string(),
            "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: \
             {\"matchLabels\":{\"app\":\"web\",\"tier\":\"x\"}}: field is immutable"
        );
    }

    #[test]
    fn strategies_and_numbers() {
        let strategy = |unavailable: Value, surge: Value| {
            refusal(json!({"strategy": {"rollingUpdate": {
                "maxUnavailable": unavailable, "maxSurge": surge,
            }}}))
        };
        assert!(strategy(json!(0), json!("0%")).ends_with("0: may not be 0 when `maxSurge` is 0"));
        assert!(strategy(json!("101%"), json!(1)).ends_with("must not be greater than 100%"));
        assert!(strategy(json!("x"), json!(1)).contains("a valid percent string"));
        assert!(strategy(json!(1), json!(-1)).ends_with("must be greater than or equal to 0"));
        assert!(
            refusal(json!({"strategy": {"type": "Recreate", "rollingUpdate": {}}}))
                .ends_with("may not be specified when strategy `type` is 'Recreate'")
        );
        assert_eq!(
            refusal(json!({"replicas": -1})),
            "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be \
             greater than or equal to 0"
        );
        assert!(
            refusal(json!({"minReadySeconds": 600}))
                .ends_with("must be greater than minReadySeconds")
        );
    }
}
