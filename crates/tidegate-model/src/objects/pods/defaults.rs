//! What a pod gets when its author left it out.

use k8s_openapi::api::core::v1::{
    Container, EmptyDirVolumeSource, HTTPGetAction, Lifecycle, PodSpec, Probe, Volume,
};

/// Fills in the defaults that pods and pod templates share (core/v1 `SetDefaults_PodSpec`).
pub(in crate::objects) fn default_spec(spec: &mut PodSpec) {
    set(&mut spec.dns_policy, "ClusterFirst");
    set(&mut spec.restart_policy, "Always");
    set(&mut spec.scheduler_name, "default-scheduler");
    spec.security_context.get_or_insert_default();
    spec.termination_grace_period_seconds.get_or_insert(30);
    let uses_host_network = spec.host_network == Some(true);
    for container in spec
        .init_containers
        .iter_mut()
        .flatten()
        .chain(&mut spec.containers)
    {
        default_container(container);
        for port in container
            .ports
            .iter_mut()
            .flatten()
            .filter(|_| uses_host_network)
        {
            port.host_port.get_or_insert(port.container_port);
        }
    }
    spec.volumes.iter_mut().flatten().for_each(default_volume);
}

fn set(field: &mut Option<String>, value: &str) {
    if field.as_deref().unwrap_or_default().is_empty() {
        *field = Some(value.to_owned());
    }
}

fn default_container(container: &mut Container) {
    let policy = pull_policy(container.image.as_deref().unwrap_or_default());
    set(&mut container.image_pull_policy, policy);
    set(
        &mut container.termination_message_path,
        "/dev/termination-log",
    );
    set(&mut container.termination_message_policy, "File");
    container.resources.get_or_insert_default();
    for port in container.ports.iter_mut().flatten() {
        set(&mut port.protocol, "TCP");
    }
    for variable in container.env.iter_mut().flatten() {
        let source = variable.value_from.as_mut();
        if let Some(field) = source.and_then(|source| source.field_ref.as_mut()) {
            set(&mut field.api_version, "v1");
        }
    }
    let probes = [
        &mut container.liveness_probe,
        &mut container.readiness_probe,
        &mut container.startup_probe,
    ];
    probes.into_iter().flatten().for_each(default_probe);
    container.lifecycle.iter_mut().for_each(default_lifecycle);
}

/// An image that can change under its name is pulled each time.
fn pull_policy(image: &str) -> &'static str {
    let name = image.rsplit('/').next().unwrap_or_default();
    let is_pinned = name.contains('@');
    match name.split_once(':') {
        Some((_, "latest")) => "Always",
        None if !is_pinned => "Always",
        _ => "IfNotPresent",
    }
}

fn default_probe(probe: &mut Probe) {
    let fill = |field: &mut Option<i32>, value| {
        field.take_if(|number| *number == 0);
        field.get_or_insert(value);
    };
    fill(&mut probe.timeout_seconds, 1);
    fill(&mut probe.period_seconds, 10);
    fill(&mut probe.success_threshold, 1);
    fill(&mut probe.failure_threshold, 3);
    probe.http_get.iter_mut().for_each(default_http_get);
    if let Some(call) = &mut probe.grpc {
        call.service.get_or_insert_default();
    }
}

fn default_http_get(action: &mut HTTPGetAction) {
    set(&mut action.path, "/");
    set(&mut action.scheme, "HTTP");
}

fn default_lifecycle(lifecycle: &mut Lifecycle) {
    let handlers = [&mut lifecycle.post_start, &mut lifecycle.pre_stop];
    for handler in handlers.into_iter().flatten() {
        handler.http_get.iter_mut().for_each(default_http_get);
    }
}

fn default_volume(volume: &mut Volume) {
    /// The permissions of projected files, 0644.
    const FILE_MODE: i32 = 0o644;
    if let Some(source) = &mut volume.config_map {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.secret {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.downward_api {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.projected {
        source.default_mode.get_or_insert(FILE_MODE);
    }
    if let Some(source) = &mut volume.host_path {
        source.type_.get_or_insert_default();
    }
    let bare = Volume {
        name: volume.name.clone(),
        ..Volume::default()
    };
    if *volume == bare {
        volume.empty_dir = Some(EmptyDirVolumeSource::default());
    }
}

/// A limit without a request is a request, too (`SetDefaults_Pod`; templates keep what was sent).
pub(super) fn default_requests(spec: &mut PodSpec) {
    for container in spec
        .init_containers
        .iter_mut()
        .flatten()
        .chain(&mut spec.containers)
    {
        let Some(resources) = &mut container.resources else {
            continue;
        };
        let Some(limits) = &resources.limits else {
            continue;
        };
        let requests = resources.requests.get_or_insert_default();
        for (name, limit) in limits {
            requests
                .entry(name.clone())
                .or_insert_with(|| limit.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::json;

    use super::*;
    use crate::objects::pods;

    #[test]
    fn a_minimal_pod_gets_what_kubectl_shows() {
        let mut pod: Pod = serde_json::from_value(json!({"spec": {
            "containers": [{
                "name": "web",
                "image": "registry.k8s.io:443/e2e-test-images/agnhost:2.40",
                "ports": [{"containerPort": 80}],
                "readinessProbe": {"httpGet": {"port": 80}},
                "resources": {"limits": {"cpu": "1"}},
            }],
            "volumes": [{"name": "scratch"}, {"name": "conf", "configMap": {"name": "c"}}],
        }}))
        .expect("a pod");
        pods::defaults(&mut pod);
        let once = pod.clone();
        pods::defaults(&mut pod);
        assert_eq!(once, pod, "defaulting twice changes nothing");
        assert_eq!(
            json!(pod)["spec"],
            json!({
                "containers": [{
                    "name": "web",
                    "image": "registry.k8s.io:443/e2e-test-images/agnhost:2.40",
                    "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "readinessProbe": {
                        "httpGet": {"path": "/", "port": 80, "scheme": "HTTP"},
                        "timeoutSeconds": 1,
                        "periodSeconds": 10,
                        "successThreshold": 1,
                        "failureThreshold": 3,
                    },
                    "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                }],
                "volumes": [
                    {"name": "scratch", "emptyDir": {}},
                    {"name": "conf", "configMap": {"name": "c", "defaultMode": 420}},
                ],
                "dnsPolicy": "ClusterFirst",
                "enableServiceLinks": true,
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30,
            })
        );
    }

    #[test]
    fn only_pinned_images_are_not_pulled_each_time() {
        assert_eq!(pull_policy("nginx"), "Always");
        assert_eq!(pull_policy("localhost:5000/nginx"), "Always");
        assert_eq!(pull_policy("nginx:latest"), "Always");
        assert_eq!(pull_policy("nginx:1.27"), "IfNotPresent");
        assert_eq!(pull_policy("nginx@sha256:0123"), "IfNotPresent");
    }
}
