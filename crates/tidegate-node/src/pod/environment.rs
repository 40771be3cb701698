//! A container's environment variables.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{ConfigMap, Container, EnvVar, EnvVarSource, Pod, Secret};

use super::expansion::expand;
use super::problem::Problem;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Objects that a pod refers to, as far as they exist.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) config_maps: HashMap<String, ConfigMap>,
    pub(crate) secrets: HashMap<String, Secret>,
}

/// What variables are made from besides the container itself.
#[derive(Debug)]
pub(crate) struct EnvContext<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) host_name: &'a str,
    pub(crate) pod_ips: &'a [IpAddr],
    pub(crate) host_ips: &'a [IpAddr],
    pub(crate) node_name: &'a str,
    pub(crate) sources: &'a Sources,
    /// Variables by which services are found; the pod's own variables win over them.
    pub(crate) services: &'a BTreeMap<String, String>,
}

/// The whole environment, in the order in which it was defined.
pub(crate) fn resolve(
    container: &Container,
    context: &EnvContext<'_>,
    home: &str,
) -> Result<Vec<(String, String)>, Problem> {
    let mut variables = Variables::default();
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        if let Some(reference) = &source.config_map_ref {
            let optional = reference.optional == Some(true);
            if let Some(map) = context.config_map(&reference.name, optional)? {
                for (key, value) in map.data.iter().flatten() {
                    variables.set(format!("{prefix}{key}"), value.clone());
                }
            }
        }
        if let Some(reference) = &source.secret_ref {
            let optional = reference.optional == Some(true);
            if let Some(secret) = context.secret(&reference.name, optional)? {
                for (key, value) in secret.data.iter().flatten() {
                    let value = String::from_utf8_lossy(&value.0).into_owned();
                    variables.set(format!("{prefix}{key}"), value);
                }
            }
        }
    }
    for variable in container.env.iter().flatten() {
        if let Some(value) = context.value(variable, &variables)? {
            variables.set(variable.name.clone(), value);
        }
    }
    for (name, value) in context.services {
        variables.set_default(name, value);
    }
    variables.set_default("PATH", DEFAULT_PATH);
    variables.set_default("HOSTNAME", context.host_name);
    variables.set_default("HOME", home);
    Ok(variables.ordered)
}

/// Names with their values; a later definition replaces an earlier one in place.
#[derive(Debug, Default)]
struct Variables {
    ordered: Vec<(String, String)>,
    positions: HashMap<String, usize>,
}

impl Variables {
    fn get(&self, name: &str) -> Option<&str> {
        let position = *self.positions.get(name)?;
        Some(self.ordered.get(position)?.1.as_str())
    }

    fn set(&mut self, name: String, value: String) {
        match self.positions.get(&name) {
            Some(position) => self.ordered[*position].1 = value,
            None => {
                self.positions.insert(name.clone(), self.ordered.len());
                self.ordered.push((name, value));
            }
        }
    }

    fn set_default(&mut self, name: &str, value: &str) {
        if self.get(name).is_none() {
            self.set(name.to_owned(), value.to_owned());
        }
    }
}

impl<'a> EnvContext<'a> {
    fn value(&self, variable: &EnvVar, defined: &Variables) -> Result<Option<String>, Problem> {
        if let Some(source) = &variable.value_from {
            return self.value_from(variable, source);
        }
        let text = variable.value.as_deref().unwrap_or_default();
        let look_up = |name: &str| {
            defined
                .get(name)
                .or_else(|| self.services.get(name).map(String::as_str))
        };
        Ok(Some(expand(text, look_up)))
    }

    fn value_from(
        &self,
        variable: &EnvVar,
        source: &EnvVarSource,
    ) -> Result<Option<String>, Problem> {
        if let Some(field) = &source.field_ref {
            return self.field(&field.field_path).map(Some);
        }
        if let Some(key) = &source.config_map_key_ref {
            let optional = key.optional == Some(true);
            let map = self.config_map(&key.name, optional)?;
            let value = map.and_then(|map| map.data.as_ref()?.get(&key.key).cloned());
            return present(value, optional, &key.key, "ConfigMap", &key.name);
        }
        if let Some(key) = &source.secret_key_ref {
            let optional = key.optional == Some(true);
            let secret = self.secret(&key.name, optional)?;
            let value = secret.and_then(|secret| secret.data.as_ref()?.get(&key.key));
            let value = value.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
            return present(value, optional, &key.key, "Secret", &key.name);
        }
        Err(Problem::unsupported(format!(
            "environment variable {}: standalone Tidegate knows fieldRef, configMapKeyRef and \
             secretKeyRef in valueFrom",
            variable.name
        )))
    }

    fn field(&self, path: &str) -> Result<String, Problem> {
        let metadata = &self.pod.metadata;
        let spec = self.pod.spec.as_ref();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        Ok(match path {
            "metadata.name" => text(&metadata.name),
            "metadata.namespace" => text(&metadata.namespace),
            "metadata.uid" => text(&metadata.uid),
            "spec.nodeName" => self.node_name.to_owned(),
            "spec.serviceAccountName" => spec
                .map(|spec| text(&spec.service_account_name))
                .unwrap_or_default(),
            "status.podIP" => joined(&self.pod_ips[..self.pod_ips.len().min(1)]),
            "status.podIPs" => joined(self.pod_ips),
            "status.hostIP" => joined(&self.host_ips[..self.host_ips.len().min(1)]),
            "status.hostIPs" => joined(self.host_ips),
            _ => {
                let value = subscript(path, "metadata.labels")
                    .map(|key| metadata.labels.as_ref().and_then(|map| map.get(key)))
                    .or_else(|| {
                        subscript(path, "metadata.annotations")
                            .map(|key| metadata.annotations.as_ref().and_then(|map| map.get(key)))
                    });
                let unknown = || Problem::config(format!("unsupported fieldPath: {path}"));
                value.ok_or_else(unknown)?.cloned().unwrap_or_default()
            }
        })
    }

    fn config_map(&self, name: &str, optional: bool) -> Result<Option<&'a ConfigMap>, Problem> {
        found(
            self.sources.config_maps.get(name),
            optional,
            "configmap",
            name,
        )
    }

    fn secret(&self, name: &str, optional: bool) -> Result<Option<&'a Secret>, Problem> {
        found(self.sources.secrets.get(name), optional, "secret", name)
    }
}

/// A missing object is a problem unless it is optional.
pub(crate) fn found<'a, T>(
    object: Option<&'a T>,
    optional: bool,
    kind: &str,
    name: &str,
) -> Result<Option<&'a T>, Problem> {
    if object.is_none() && !optional {
        return Err(Problem::config(format!("{kind} {name:?} not found")));
    }
    Ok(object)
}

fn present(
    value: Option<String>,
    optional: bool,
    key: &str,
    kind: &str,
    name: &str,
) -> Result<Option<String>, Problem> {
    if value.is_none() && !optional {
        return Err(Problem::config(format!(
            "couldn't find key {key} in {kind} {name}"
        )));
    }
    Ok(value)
}

fn joined(addresses: &[IpAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    texts.join(",")
}

/// The key in `prefix['key']`.
fn subscript<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    path.strip_prefix(prefix)?
        .strip_prefix("['")?
        .strip_suffix("']")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(container: serde_json::Value) -> Result<Vec<String>, Problem> {
        let mut container = container;
        container["name"] = "c".into();
        let container = serde_json::from_value(container).expect("a container");
        let pod = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "labels": {"app": "web"}},
        }))
        .expect("a pod");
        let map = serde_json::json!({"metadata": {"name": "settings"}, "data": {"color": "blue"}});
        let sources = Sources {
            config_maps: [(
                "settings".to_owned(),
                serde_json::from_value(map).expect("a map"),
            )]
            .into(),
            secrets: HashMap::new(),
        };
        let services = [("DB_SERVICE_HOST".to_owned(), "10.96.0.7".to_owned())].into();
        let context = EnvContext {
            pod: &pod,
            host_name: "web-1",
            pod_ips: &[[10, 244, 0, 5].into(), [0xfd00, 0, 0, 0, 0, 0, 0, 5].into()],
            host_ips: &[[192, 0, 2, 1].into()],
            node_name: "here",
            sources: &sources,
            services: &services,
        };
        let variables = resolve(&container, &context, "/root")?;
        Ok(variables
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect())
    }

    fn env(variables: serde_json::Value) -> Result<Vec<String>, Problem> {
        run(serde_json::json!({"env": variables}))
    }

    #[test]
    fn every_container_gets_these() {
        let path = format!("PATH={DEFAULT_PATH}");
        assert_eq!(
            run(serde_json::json!({})),
            Ok(vec![
                "DB_SERVICE_HOST=10.96.0.7".to_owned(),
                path,
                "HOSTNAME=web-1".to_owned(),
                "HOME=/root".to_owned()
            ])
        );
    }

    #[test]
    fn values_refer_to_earlier_ones_and_to_services() {
        let lines = env(serde_json::json!([
            {"name": "A", "value": "1"},
            {"name": "B", "value": "$(A)-$(DB_SERVICE_HOST)-$(LATER)"},
            {"name": "LATER", "value": "x"},
            {"name": "DB_SERVICE_HOST", "value": "mine"},
        ]))
        .expect("valid");
        assert_eq!(
            &lines[..4],
            [
                "A=1",
                "B=1-10.96.0.7-$(LATER)",
                "LATER=x",
                "DB_SERVICE_HOST=mine"
            ]
        );
    }

    #[test]
    fn fields_of_the_pod() {
        let field = |path: &str| {
            env(serde_json::json!([{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}]))
                .map(|lines| lines[0].clone())
        };
        for (path, expected) in [
            ("metadata.name", "X=web-1"),
            ("metadata.namespace", "X=shop"),
            ("metadata.uid", "X=u1"),
            ("metadata.labels['app']", "X=web"),
            ("metadata.annotations['none']", "X="),
            ("spec.nodeName", "X=here"),
            ("status.podIP", "X=10.244.0.5"),
            ("status.podIPs", "X=10.244.0.5,fd00::5"),
            ("status.hostIP", "X=192.0.2.1"),
        ] {
            assert_eq!(field(path).as_deref(), Ok(expected), "{path}");
        }
        assert!(field("status.phase").is_err());
    }

    #[test]
    fn keys_of_config_maps() {
        let key = |name: &str, key: &str, optional: bool| {
            let key = serde_json::json!({"name": name, "key": key, "optional": optional});
            env(serde_json::json!([{"name": "X", "valueFrom": {"configMapKeyRef": key}}]))
        };
        assert_eq!(key("settings", "color", false).expect("found")[0], "X=blue");
        let message = |result: Result<_, Problem>| result.map_err(|problem| problem.message);
        assert_eq!(
            message(key("none", "x", false)),
            Err("configmap \"none\" not found".to_owned())
        );
        assert_eq!(
            message(key("settings", "size", false)),
            Err("couldn't find key size in ConfigMap settings".to_owned())
        );
        assert_eq!(
            key("none", "x", true).expect("optional")[0],
            "DB_SERVICE_HOST=10.96.0.7"
        );
    }

    #[test]
    fn whole_config_maps_with_a_prefix() {
        let lines = run(serde_json::json!({
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings"}}],
            "env": [{"name": "SEEN", "value": "$(P_color)"}],
        }));
        assert_eq!(&lines.expect("valid")[..2], ["P_color=blue", "SEEN=blue"]);
    }
}
