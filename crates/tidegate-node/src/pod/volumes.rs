//! What a pod's volumes consist of, and where its containers see them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, HostPathVolumeSource, KeyToPath, PodSpec, SecretVolumeSource, Volume,
    VolumeMount,
};

use super::environment::{Sources, found};
use super::problem::Problem;

/// The content of one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VolumeContent {
    /// An empty directory that lives as long as the pod.
    Empty,
    /// Files by their path below the volume.
    Files(BTreeMap<PathBuf, File>),
    /// A place on the host.
    Host { path: PathBuf, create: bool },
}

/// One file of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) content: Vec<u8>,
    pub(crate) mode: u32,
}

/// A volume as a container sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) volume: String,
    pub(crate) content: VolumeContent,
    pub(crate) sub_path: Option<PathBuf>,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// The mounts of a container.
pub(crate) fn mounts(
    spec: &PodSpec,
    wanted: &[VolumeMount],
    sources: &Sources,
) -> Result<Vec<Mount>, Problem> {
    wanted
        .iter()
        .map(|mount| resolve(spec, mount, sources))
        .collect()
}

fn resolve(spec: &PodSpec, mount: &VolumeMount, sources: &Sources) -> Result<Mount, Problem> {
    let volume = spec
        .volumes
        .iter()
        .flatten()
        .find(|volume| volume.name == mount.name)
        .ok_or_else(|| Problem::config(format!("volume {:?} is not defined", mount.name)))?;
    if mount
        .sub_path_expr
        .as_deref()
        .is_some_and(|path| !path.is_empty())
    {
        return Err(Problem::unsupported(
            "subPathExpr is not supported; use subPath",
        ));
    }
    let sub_path = mount.sub_path.as_deref().filter(|path| !path.is_empty());
    let content = content(volume, sources)?;
    Ok(Mount {
        volume: volume.name.clone(),
        read_only: mount.read_only == Some(true) || matches!(content, VolumeContent::Files(_)),
        content,
        sub_path: sub_path.map(inside).transpose()?,
        target: Path::new("/").join(&mount.mount_path),
    })
}

fn content(volume: &Volume, sources: &Sources) -> Result<VolumeContent, Problem> {
    if volume.empty_dir.is_some() {
        Ok(VolumeContent::Empty)
    } else if let Some(source) = &volume.host_path {
        host_path(source)
    } else if let Some(source) = &volume.config_map {
        config_map(source, sources)
    } else if let Some(source) = &volume.secret {
        secret(source, sources)
    } else {
        Err(Problem::unsupported(format!(
            "volume {:?}: standalone Tidegate knows emptyDir, configMap, secret and hostPath volumes",
            volume.name
        )))
    }
}

fn host_path(source: &HostPathVolumeSource) -> Result<VolumeContent, Problem> {
    let create = match source.type_.as_deref().unwrap_or_default() {
        "" | "Directory" | "File" | "Socket" | "CharDevice" | "BlockDevice" => false,
        "DirectoryOrCreate" => true,
        other => {
            return Err(Problem::unsupported(format!(
                "hostPath type {other} is not supported"
            )));
        }
    };
    Ok(VolumeContent::Host {
        path: PathBuf::from(&source.path),
        create,
    })
}

fn config_map(source: &ConfigMapVolumeSource, sources: &Sources) -> Result<VolumeContent, Problem> {
    let optional = source.optional == Some(true);
    let map = found(
        sources.config_maps.get(&source.name),
        optional,
        "configmap",
        &source.name,
    )?;
    let mut values: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    if let Some(map) = map {
        let text = map.data.iter().flatten();
        values.extend(text.map(|(key, value)| (key.as_str(), value.clone().into_bytes())));
        let binary = map.binary_data.iter().flatten();
        values.extend(binary.map(|(key, value)| (key.as_str(), value.0.clone())));
    }
    project(
        values,
        source.items.as_deref(),
        source.default_mode,
        optional,
    )
}

fn secret(source: &SecretVolumeSource, sources: &Sources) -> Result<VolumeContent, Problem> {
    let optional = source.optional == Some(true);
    let name = source.secret_name.as_deref().unwrap_or_default();
    let secret = found(sources.secrets.get(name), optional, "secret", name)?;
    let data = secret
        .into_iter()
        .flat_map(|secret| secret.data.iter().flatten());
    let values = data
        .map(|(key, value)| (key.as_str(), value.0.clone()))
        .collect();
    project(
        values,
        source.items.as_deref(),
        source.default_mode,
        optional,
    )
}

/// All keys under their own names, or the listed ones under the listed paths.
fn project(
    values: BTreeMap<&str, Vec<u8>>,
    items: Option<&[KeyToPath]>,
    default_mode: Option<i32>,
    optional: bool,
) -> Result<VolumeContent, Problem> {
    let mode = |mode: Option<i32>| {
        u32::try_from(mode.or(default_mode).unwrap_or(0o644)).unwrap_or(0o644) & 0o777
    };
    let mut files = BTreeMap::new();
    let Some(items) = items.filter(|items| !items.is_empty()) else {
        for (key, content) in values {
            files.insert(
                inside(key)?,
                File {
                    content,
                    mode: mode(None),
                },
            );
        }
        return Ok(VolumeContent::Files(files));
    };
    for item in items {
        match values.get(item.key.as_str()) {
            Some(content) => {
                let file = File {
                    content: content.clone(),
                    mode: mode(item.mode),
                };
                files.insert(inside(&item.path)?, file);
            }
            None if optional => {}
            None => {
                return Err(Problem::config(format!(
                    "references non-existent config key: {}",
                    item.key
                )));
            }
        }
    }
    Ok(VolumeContent::Files(files))
}

/// A relative path that cannot lead out of its volume.
fn inside(path: &str) -> Result<PathBuf, Problem> {
    let path = Path::new(path);
    if path
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    {
        return Ok(path.to_owned());
    }
    Err(Problem::config(format!(
        "path {path:?} must be relative and must not contain \"..\""
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(volume: serde_json::Value, mount: serde_json::Value) -> Result<Mount, Problem> {
        let (mut volume, mut mount) = (volume, mount);
        volume["name"] = "v".into();
        mount["name"] = "v".into();
        mount["mountPath"] = "/data".into();
        let spec = serde_json::json!({"containers": [], "volumes": [volume]});
        let map = serde_json::json!({"data": {"a.conf": "one", "b": "two"}});
        let sources = Sources {
            config_maps: [("m".to_owned(), serde_json::from_value(map).expect("a map"))].into(),
            ..Sources::default()
        };
        let spec = serde_json::from_value(spec).expect("a pod spec");
        let mount = serde_json::from_value(mount).expect("a mount");
        mounts(&spec, &[mount], &sources).map(|mut mounts| mounts.remove(0))
    }

    fn files(mount: Mount) -> Vec<(String, String, u32)> {
        let VolumeContent::Files(files) = mount.content else {
            return Vec::new();
        };
        let text = |file: &File| String::from_utf8_lossy(&file.content).into_owned();
        files
            .iter()
            .map(|(path, file)| (path.display().to_string(), text(file), file.mode))
            .collect()
    }

    #[test]
    fn empty_and_host_directories() {
        use serde_json::json;
        let mount = run(
            json!({"emptyDir": {}}),
            json!({"readOnly": true, "subPath": "x"}),
        )
        .expect("valid");
        assert_eq!(mount.content, VolumeContent::Empty);
        assert!(mount.read_only);
        assert_eq!(mount.sub_path, Some(PathBuf::from("x")));
        let mount = run(json!({"hostPath": {"path": "/srv"}}), json!({})).expect("valid");
        assert_eq!(
            mount.content,
            VolumeContent::Host {
                path: "/srv".into(),
                create: false
            }
        );
        assert!(!mount.read_only);
    }

    #[test]
    fn config_maps_become_files() {
        use serde_json::json;
        let mount = run(json!({"configMap": {"name": "m"}}), json!({})).expect("valid");
        assert!(mount.read_only);
        let row = |path: &str, text: &str, mode| (path.to_owned(), text.to_owned(), mode);
        assert_eq!(
            files(mount),
            [row("a.conf", "one", 0o644), row("b", "two", 0o644)]
        );
        let items = json!([{"key": "b", "path": "deep/b.txt", "mode": 256}]);
        let mount = run(
            json!({"configMap": {"name": "m", "items": items}}),
            json!({}),
        )
        .expect("valid");
        assert_eq!(files(mount), [row("deep/b.txt", "two", 0o400)]);
    }

    #[test]
    fn what_is_missing_or_unknown_is_said() {
        use serde_json::json;
        let message = |volume, mount| run(volume, mount).expect_err("refused").message;
        assert_eq!(
            message(json!({"configMap": {"name": "x"}}), json!({})),
            "configmap \"x\" not found"
        );
        assert!(
            message(json!({"nfs": {"server": "s", "path": "/"}}), json!({})).contains("emptyDir")
        );
        assert!(message(json!({"emptyDir": {}}), json!({"subPath": "../x"})).contains(".."));
        assert!(message(json!({"emptyDir": {}}), json!({"subPath": "/x"})).contains("relative"));
    }
}
