//! The containers of a pod.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, EnvVar, EnvVarSource, PodSpec};

use super::super::formats::{dns_label, environment_variable_name};
use super::super::{Cause, FieldPath, check_port_name, check_port_number, check_protocol};
use super::mounts::check_mounts;
use super::probes::check_probes;
use super::spec::{check_choice, check_ids};

/// Checks the containers and init containers; names are unique among both.
pub(super) fn check_containers(
    path: &FieldPath,
    spec: &PodSpec,
    volumes: &BTreeSet<&str>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut names = BTreeSet::new();
    let containers_path = path.child("containers");
    if spec.containers.is_empty() {
        causes.push(Cause::required(&containers_path, ""));
    }
    for (index, container) in spec.containers.iter().enumerate() {
        let path = containers_path.index(index);
        causes.extend(check_container(&path, container, volumes));
        causes.extend(check_unique(&path, container, &mut names));
    }
    let init_path = path.child("initContainers");
    for (index, container) in spec.init_containers.iter().flatten().enumerate() {
        let path = init_path.index(index);
        causes.extend(check_container(&path, container, volumes));
        causes.extend(check_unique(&path, container, &mut names));
        if container.restart_policy.as_deref() != Some("Always") {
            causes.extend(check_runs_once(&path, container));
        }
    }
    causes
}

fn check_unique<'a>(
    path: &FieldPath,
    container: &'a Container,
    names: &mut BTreeSet<&'a str>,
) -> Option<Cause> {
    let name = container.name.as_str();
    let is_new = names.insert(name);
    (!is_new && !name.is_empty()).then(|| Cause::duplicate(&path.child("name"), name))
}

/// A container that runs to its end before the others start can't be probed.
fn check_runs_once(path: &FieldPath, container: &Container) -> Vec<Cause> {
    [
        ("lifecycle", container.lifecycle.is_some()),
        ("livenessProbe", container.liveness_probe.is_some()),
        ("readinessProbe", container.readiness_probe.is_some()),
        ("startupProbe", container.startup_probe.is_some()),
    ]
    .into_iter()
    .filter(|(_, is_set)| *is_set)
    .map(|(field, _)| {
        let complaint = "may not be set for init containers without restartPolicy=Always";
        Cause::forbidden(&path.child(field), complaint)
    })
    .collect()
}

fn check_container(
    path: &FieldPath,
    container: &Container,
    volumes: &BTreeSet<&str>,
) -> Vec<Cause> {
    let mut causes = check_name(&path.child("name"), &container.name);
    causes.extend(check_image(
        &path.child("image"),
        container.image.as_deref(),
    ));
    causes.extend(check_probes(path, container));
    causes.extend(check_choice(
        &path.child("terminationMessagePolicy"),
        container.termination_message_policy.as_deref(),
        &["FallbackToLogsOnError", "File"],
    ));
    causes.extend(check_ports(&path.child("ports"), container));
    let env_path = path.child("env");
    for (index, variable) in container.env.iter().flatten().enumerate() {
        causes.extend(check_variable(&env_path.index(index), variable));
    }
    causes.extend(check_mounts(
        &path.child("volumeMounts"),
        container,
        volumes,
    ));
    causes.extend(check_choice(
        &path.child("imagePullPolicy"),
        container.image_pull_policy.as_deref(),
        &["Always", "IfNotPresent", "Never"],
    ));
    if let Some(context) = &container.security_context {
        let ids = [
            ("runAsUser", context.run_as_user),
            ("runAsGroup", context.run_as_group),
        ];
        causes.extend(check_ids(&path.child("securityContext"), &ids));
    }
    causes
}

fn check_name(path: &FieldPath, name: &str) -> Vec<Cause> {
    if name.is_empty() {
        return vec![Cause::required(path, "")];
    }
    dns_label(name)
        .iter()
        .map(|fault| Cause::invalid(path, name, fault))
        .collect()
}

fn check_image(path: &FieldPath, image: Option<&str>) -> Option<Cause> {
    match image.unwrap_or_default() {
        "" => Some(Cause::required(path, "")),
        image if image.trim() != image => Some(Cause::invalid(
            path,
            image,
            "must not have leading or trailing whitespace",
        )),
        _ => None,
    }
}

fn check_ports(path: &FieldPath, container: &Container) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut names = BTreeSet::new();
    for (index, port) in container.ports.iter().flatten().enumerate() {
        let path = path.index(index);
        if let Some(name) = port.name.as_deref().filter(|name| !name.is_empty()) {
            let path = path.child("name");
            let faults = check_port_name(&path, name);
            if faults.is_empty() && !names.insert(name) {
                causes.push(Cause::duplicate(&path, name));
            }
            causes.extend(faults);
        }
        match port.container_port {
            0 => causes.push(Cause::required(&path.child("containerPort"), "")),
            number => causes.extend(check_port_number(&path.child("containerPort"), number)),
        }
        if let Some(number) = port.host_port.filter(|&number| number != 0) {
            causes.extend(check_port_number(&path.child("hostPort"), number));
        }
        causes.extend(check_protocol(
            &path.child("protocol"),
            port.protocol.as_deref(),
        ));
    }
    causes
}

fn check_variable(path: &FieldPath, variable: &EnvVar) -> Vec<Cause> {
    let name = variable.name.as_str();
    let name_path = path.child("name");
    let mut causes = Vec::new();
    if name.is_empty() {
        causes.push(Cause::required(&name_path, ""));
    } else {
        let faults = environment_variable_name(name);
        causes.extend(
            faults
                .iter()
                .map(|fault| Cause::invalid(&name_path, name, fault)),
        );
    }
    if let Some(source) = &variable.value_from {
        let has_value = variable
            .value
            .as_ref()
            .is_some_and(|value| !value.is_empty());
        causes.extend(check_variable_source(
            &path.child("valueFrom"),
            source,
            has_value,
        ));
    }
    causes
}

fn check_variable_source(
    path: &FieldPath,
    source: &EnvVarSource,
    has_value: bool,
) -> Option<Cause> {
    let count = [
        source.config_map_key_ref.is_some(),
        source.field_ref.is_some(),
        source.file_key_ref.is_some(),
        source.resource_field_ref.is_some(),
        source.secret_key_ref.is_some(),
    ]
    .into_iter()
    .filter(|is_set| *is_set)
    .count();
    let complaint = match count {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, \
             `secretKeyRef` or `fileKeyRef`"
        }
        _ if has_value => "may not be specified when `value` is not empty",
        1 => return None,
        _ => "may not have more than one field specified at a time",
    };
    Some(Cause::invalid(path, "", complaint))
}
