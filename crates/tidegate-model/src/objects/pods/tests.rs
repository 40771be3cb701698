//! What is said about pods that can't be.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::{defaults, prepare_for_create, validate_create, validate_update};

fn pod(container: Value, spec: Value) -> Pod {
    let mut full = json!({"name": "web", "image": "serve_hostname"});
    for (field, value) in container.as_object().expect("an object") {
        full[field] = value.clone();
    }
    let mut value = json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"containers": [full]},
    });
    for (field, field_value) in spec.as_object().expect("an object") {
        value["spec"][field] = field_value.clone();
    }
    let mut pod = serde_json::from_value(value).expect("a pod");
    defaults(&mut pod);
    pod
}

#[track_caller]
fn assert_refused(pod: &Pod, faults: &str) {
    let refused = validate_create(pod).expect_err("refused").to_string();
    assert_eq!(refused, format!("Pod \"web\" is invalid: {faults}"));
}

#[test]
fn a_good_pod_starts_out_pending() {
    let mut pod = pod(json!({}), json!({}));
    prepare_for_create(&mut pod);
    assert_eq!(validate_create(&pod), Ok(()));
    assert_eq!(
        json!(pod)["status"],
        json!({"phase": "Pending", "qosClass": "BestEffort"})
    );
}

#[test]
fn containers_are_named_and_have_an_image() {
    assert_refused(
        &pod(json!({}), json!({"containers": []})),
        "spec.containers: Required value",
    );
    assert_refused(
        &pod(json!({"name": "", "image": ""}), json!({})),
        "[spec.containers[0].name: Required value, spec.containers[0].image: Required value]",
    );
    let twin = json!({"name": "web", "image": "x:1"});
    assert_refused(
        &pod(json!({}), json!({"containers": [twin, twin]})),
        "spec.containers[1].name: Duplicate value: \"web\"",
    );
    assert_refused(
        &pod(
            json!({}),
            json!({"initContainers": [{"name": "a", "image": "x:1", "lifecycle": {}}]}),
        ),
        "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without \
         restartPolicy=Always",
    );
}

#[test]
fn ports_and_variables() {
    let port = |port: Value| pod(json!({"ports": [port]}), json!({}));
    assert_refused(
        &port(json!({"name": "web_1", "containerPort": 80})),
        "spec.containers[0].ports[0].name: Invalid value: \"web_1\": must contain only \
         alpha-numeric characters (a-z, 0-9), and hyphens (-)",
    );
    assert_refused(
        &port(json!({"containerPort": 0})),
        "spec.containers[0].ports[0].containerPort: Required value",
    );
    assert_refused(
        &port(json!({"containerPort": 70000})),
        "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and \
         65535, inclusive",
    );
    assert_refused(
        &pod(json!({"env": [{"name": "A=B", "value": "x"}]}), json!({})),
        "spec.containers[0].env[0].name: Invalid value: \"A=B\": a valid environment variable \
         name must consist only of printable ASCII characters other than '='",
    );
    let both = json!({"fieldRef": {"fieldPath": "status.podIP"}});
    assert_refused(
        &pod(
            json!({"env": [{"name": "A", "value": "x", "valueFrom": both}]}),
            json!({}),
        ),
        "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when \
         `value` is not empty",
    );
}

#[test]
fn probes_ask_in_one_way() {
    let probe = |field: &str, probe: Value| pod(json!({field: probe}), json!({}));
    assert_refused(
        &probe("readinessProbe", json!({})),
        "spec.containers[0].readinessProbe: Required value: must specify a handler type",
    );
    let two = json!({"httpGet": {"port": 80}, "tcpSocket": {"port": 80}});
    assert_refused(
        &probe("readinessProbe", two),
        "spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 \
         handler type",
    );
    assert_refused(
        &probe(
            "livenessProbe",
            json!({"exec": {"command": ["true"]}, "successThreshold": 2}),
        ),
        "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1",
    );
    assert_refused(
        &probe(
            "readinessProbe",
            json!({"httpGet": {"port": 0}, "periodSeconds": -1}),
        ),
        "[spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 \
         and 65535, inclusive, spec.containers[0].readinessProbe.periodSeconds: Invalid value: \
         -1: must be greater than or equal to 0]",
    );
}

#[test]
fn policies_names_and_resolvers() {
    let spec = |spec: Value| pod(json!({}), spec);
    assert_refused(
        &spec(json!({"restartPolicy": "Sometimes"})),
        "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", \
         \"OnFailure\", \"Never\"",
    );
    assert_refused(
        &spec(json!({"dnsPolicy": "None"})),
        "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None",
    );
    let resolver = json!({"searches": ["_tcp.example.com.", "."], "nameservers": ["10.0.0.010"]});
    assert_refused(
        &spec(json!({"dnsConfig": resolver})),
        "spec.dnsConfig.nameservers[0]: Invalid value: \"10.0.0.010\": must not have leading 0s",
    );
    let refused = validate_create(&spec(json!({"hostname": "a.b"}))).expect_err("refused");
    assert_eq!(refused.causes[0].field, "spec.hostname");
}

#[test]
fn mounts_need_a_volume() {
    let mounts = json!([{"name": "a", "mountPath": "/a"}, {"name": "b", "mountPath": "/a"}]);
    assert_refused(
        &pod(
            json!({"volumeMounts": mounts}),
            json!({"volumes": [{"name": "a"}]}),
        ),
        "[spec.containers[0].volumeMounts[1].name: Not found: \"b\", \
         spec.containers[0].volumeMounts[1].mountPath: Invalid value: \"/a\": must be unique]",
    );
}

#[test]
fn a_running_pod_hardly_changes() {
    let old = pod(json!({}), json!({}));
    let tolerant = json!({"tolerations": [{"operator": "Exists"}]});
    assert_eq!(
        validate_update(&old, &pod(json!({"image": "other"}), tolerant)),
        Ok(())
    );
    assert_eq!(
        validate_update(&old, &pod(json!({"command": ["true"]}), json!({})))
            .expect_err("refused")
            .to_string(),
        "Pod \"web\" is invalid: spec: Forbidden: pod updates may not change fields other than \
         `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,\
         `spec.tolerations` (only additions to existing tolerations),\
         `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously \
         negative)\nchanged: spec.containers"
    );
    let moved = validate_update(&old, &pod(json!({}), json!({"nodeName": "n"})));
    assert!(
        moved
            .expect_err("refused")
            .to_string()
            .ends_with("changed: spec.nodeName")
    );
    let grown = json!({"containers": [
        {"name": "web", "image": "serve_hostname"}, {"name": "b", "image": "x"},
    ]});
    let grown = validate_update(&old, &pod(json!({}), grown)).expect_err("refused");
    assert!(
        grown
            .to_string()
            .ends_with("pod updates may not add or remove containers")
    );
}
