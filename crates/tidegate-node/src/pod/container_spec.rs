//! From a container's description to what its first process is told.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

use super::environment::{self, EnvContext};
use super::expansion::expand;
use super::problem::Problem;
use super::quantity;
use super::security;
use super::volumes::{self, Mount};
use crate::images::Image;
use crate::internal::spec::{Privileges, Program};
use crate::runtime::cgroup::Limit;

/// Everything about a container that follows from the API's objects alone.
#[derive(Debug)]
pub(crate) struct ContainerPlan {
    pub(crate) program: Program,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_dir: PathBuf,
    pub(crate) mounts: Vec<Mount>,
    pub(crate) read_only_root: bool,
    pub(crate) privileges: Privileges,
    pub(crate) limits: Vec<Limit>,
}

impl ContainerPlan {
    pub(crate) fn new(
        spec: &PodSpec,
        container: &Container,
        context: &EnvContext<'_>,
    ) -> Result<Self, Problem> {
        let privileges = security::privileges(spec, container)?;
        let home = if privileges.user == 0 { "/root" } else { "/" };
        let environment = environment::resolve(container, context, home)?;
        let wanted = container.volume_mounts.as_deref().unwrap_or_default();
        let working_dir = container
            .working_dir
            .as_deref()
            .filter(|dir| !dir.is_empty());
        let own = container.security_context.as_ref();
        Ok(Self {
            program: program(container, &environment)?,
            working_dir: PathBuf::from(working_dir.unwrap_or("/")),
            mounts: volumes::mounts(spec, wanted, context.sources)?,
            read_only_root: own.and_then(|own| own.read_only_root_filesystem) == Some(true),
            limits: limits(container)?,
            environment,
            privileges,
        })
    }
}

/// The built-in program of the image, or the command on the host's file system.
fn program(container: &Container, environment: &[(String, String)]) -> Result<Program, Problem> {
    let look_up = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let expanded = |words: &Option<Vec<String>>| -> Vec<String> {
        words
            .iter()
            .flatten()
            .map(|word| expand(word, look_up))
            .collect()
    };
    let (command, args) = (expanded(&container.command), expanded(&container.args));
    let reference = container.image.as_deref().unwrap_or_default();
    let built_in = Image::from_reference(reference).and_then(|image| image.words(&command, &args));
    match built_in {
        Some(words) => Ok(Program::BuiltIn(words)),
        None if command.is_empty() => Err(Problem::image(reference)),
        None => Ok(Program::Command([command, args].concat())),
    }
}

fn limits(container: &Container) -> Result<Vec<Limit>, Problem> {
    let given = container
        .resources
        .as_ref()
        .and_then(|resources| resources.limits.as_ref());
    let mut limits = Vec::new();
    for (name, quantity) in given.into_iter().flatten() {
        let text = &quantity.0;
        let refused = || Problem::config(format!("limit {name}: {text:?} is no valid quantity"));
        match name.as_str() {
            "memory" => limits.push(Limit::Memory(quantity::units(text).ok_or_else(refused)?)),
            "cpu" => limits.push(Limit::Cpu(quantity::thousandths(text).ok_or_else(refused)?)),
            _ => {}
        }
    }
    Ok(limits)
}

/// Names of the config maps and secrets that a pod refers to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct References {
    pub(crate) config_maps: Vec<String>,
    pub(crate) secrets: Vec<String>,
}

/// What has to be read before the pod's containers can be planned.
pub(crate) fn references(pod: &Pod) -> References {
    let mut found = References::default();
    let Some(spec) = &pod.spec else {
        return found;
    };
    for container in spec
        .init_containers
        .iter()
        .flatten()
        .chain(&spec.containers)
    {
        for source in container.env_from.iter().flatten() {
            found
                .config_maps
                .extend(source.config_map_ref.iter().map(|map| map.name.clone()));
            found
                .secrets
                .extend(source.secret_ref.iter().map(|secret| secret.name.clone()));
        }
        let sources = container
            .env
            .iter()
            .flatten()
            .filter_map(|variable| variable.value_from.as_ref());
        for source in sources {
            found
                .config_maps
                .extend(source.config_map_key_ref.iter().map(|key| key.name.clone()));
            found
                .secrets
                .extend(source.secret_key_ref.iter().map(|key| key.name.clone()));
        }
    }
    for volume in spec.volumes.iter().flatten() {
        found
            .config_maps
            .extend(volume.config_map.iter().map(|map| map.name.clone()));
        found.secrets.extend(
            volume
                .secret
                .iter()
                .filter_map(|secret| secret.secret_name.clone()),
        );
    }
    for names in [&mut found.config_maps, &mut found.secrets] {
        names.sort_unstable();
        names.dedup();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(value: serde_json::Value) -> Container {
        let mut value = value;
        value["name"] = "c".into();
        serde_json::from_value(value).expect("a container")
    }

    #[test]
    fn built_in_images_and_commands() {
        use serde_json::json;
        let environment = [("PORT".to_owned(), "80".to_owned())];
        let run = |value| program(&container(value), &environment);
        let Ok(Program::BuiltIn(words)) = run(json!({"image": "k8s.gcr.io/serve_hostname"})) else {
            panic!("serve_hostname is built in");
        };
        assert_eq!(words, ["serve_hostname"]);
        let image = "registry.k8s.io/e2e-test-images/agnhost:2.39";
        let Ok(Program::BuiltIn(words)) =
            run(json!({"image": image, "args": ["netexec", "--http-port=$(PORT)"]}))
        else {
            panic!("agnhost is built in");
        };
        assert_eq!(words, ["agnhost", "netexec", "--http-port=80"]);
        let Ok(Program::Command(words)) =
            run(json!({"image": "busybox", "command": ["sleep"], "args": ["1"]}))
        else {
            panic!("a command needs no image");
        };
        assert_eq!(words, ["sleep", "1"]);
        let problem = run(json!({"image": "nginx:1.27"})).expect_err("not built in");
        assert_eq!(problem.reason, "ImageNotBuiltIn");
        for part in ["nginx:1.27", "serve_hostname", "agnhost", "`command`"] {
            assert!(problem.message.contains(part), "{}", problem.message);
        }
    }

    #[test]
    fn limits_are_read() {
        let limits = |limits| {
            limits_of(&container(
                serde_json::json!({"resources": {"limits": limits}}),
            ))
        };
        assert_eq!(
            limits(serde_json::json!({"cpu": "500m", "memory": "64Mi"})),
            Ok(vec![Limit::Cpu(500), Limit::Memory(64 << 20)])
        );
        assert!(limits(serde_json::json!({"memory": "lots"})).is_err());
    }

    fn limits_of(container: &Container) -> Result<Vec<Limit>, Problem> {
        super::limits(container)
    }

    #[test]
    fn references_are_collected_once() {
        let pod = serde_json::from_value(serde_json::json!({"spec": {
            "initContainers": [{"name": "i", "envFrom": [{"configMapRef": {"name": "a"}}]}],
            "containers": [{"name": "c", "env": [
                {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}},
                {"name": "Y", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ]}],
            "volumes": [{"name": "v", "configMap": {"name": "b"}}],
        }}))
        .expect("a pod");
        let found = references(&pod);
        assert_eq!(found.config_maps, ["a", "b"]);
        assert_eq!(found.secrets, ["s"]);
    }
}
