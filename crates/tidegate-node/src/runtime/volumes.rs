//! Bringing volumes into being below a pod's directory.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::internal::spec::Bind;
use crate::pod::volumes::{Mount, VolumeContent};

/// Why a volume could not be made.
#[derive(Debug, Error)]
#[error("volume {volume:?}: {path}: {error}")]
pub(crate) struct VolumeError {
    volume: String,
    path: PathBuf,
    error: io::Error,
}

/// Makes the volume of `mount` if it does not exist yet, and says what to bind where.
pub(crate) fn prepare(
    pod: &Path,
    mount: &Mount,
    fs_group: Option<u32>,
) -> Result<Bind, VolumeError> {
    let failed = |path: &Path| {
        let (volume, path) = (mount.volume.clone(), path.to_owned());
        move |error| VolumeError {
            volume,
            path,
            error,
        }
    };
    let directory = pod.join("volumes").join(&mount.volume);
    let mut source = match &mount.content {
        VolumeContent::Empty => {
            empty(&directory, fs_group).map_err(failed(&directory))?;
            directory
        }
        VolumeContent::Files(files) => {
            for (path, file) in files {
                let path = directory.join(path);
                write(&path, &file.content, file.mode, fs_group).map_err(failed(&path))?;
            }
            fs::create_dir_all(&directory).map_err(failed(&directory))?;
            directory
        }
        VolumeContent::Host { path, create } => {
            if *create {
                fs::create_dir_all(path).map_err(failed(path))?;
            }
            path.clone()
        }
    };
    if let Some(sub_path) = &mount.sub_path {
        source = source.join(sub_path);
        if !source.exists() {
            fs::create_dir_all(&source).map_err(failed(&source))?;
        }
    }
    fs::metadata(&source).map_err(failed(&source))?;
    Ok(Bind {
        source,
        target: mount.target.clone(),
        read_only: mount.read_only,
        skip_without_target: false,
    })
}

/// Everybody in the pod may write, as in Kubernetes; with a group, new files belong to it.
fn empty(directory: &Path, group: Option<u32>) -> io::Result<()> {
    if directory.exists() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)?;
    let mut mode = 0o777;
    if group.is_some() {
        std::os::unix::fs::chown(directory, None, group)?;
        mode |= 0o2000;
    }
    fs::set_permissions(directory, fs::Permissions::from_mode(mode))
}

fn write(path: &Path, content: &[u8], mode: u32, group: Option<u32>) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(mode)
        .open(path)?;
    file.write_all(content)?;
    if group.is_some() {
        std::os::unix::fs::fchown(&file, None, group)?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pod::volumes::File;

    fn mount(content: VolumeContent, sub_path: Option<&str>) -> Mount {
        Mount {
            volume: "v".to_owned(),
            content,
            sub_path: sub_path.map(PathBuf::from),
            target: PathBuf::from("/data"),
            read_only: false,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("exists").permissions().mode() & 0o7777
    }

    #[test]
    fn empty_directories_are_open_to_all_and_kept_between_runs() {
        let pod = tempfile::tempdir().expect("a directory");
        let bind = prepare(pod.path(), &mount(VolumeContent::Empty, None), None).expect("made");
        assert_eq!(mode(&bind.source), 0o777);
        fs::write(bind.source.join("state"), "x").expect("written");
        let bind = prepare(pod.path(), &mount(VolumeContent::Empty, None), None).expect("made");
        assert!(bind.source.join("state").exists());
        let bind =
            prepare(pod.path(), &mount(VolumeContent::Empty, Some("sub")), None).expect("made");
        assert!(bind.source.ends_with("volumes/v/sub"));
    }

    #[test]
    fn files_have_their_mode_and_follow_their_source() {
        let pod = tempfile::tempdir().expect("a directory");
        let files = |content: &str| {
            let file = File {
                content: content.as_bytes().to_vec(),
                mode: 0o440,
            };
            mount(
                VolumeContent::Files([(PathBuf::from("deep/a"), file)].into()),
                None,
            )
        };
        for content in ["one", "two"] {
            let bind = prepare(pod.path(), &files(content), None).expect("made");
            let path = bind.source.join("deep/a");
            assert_eq!(fs::read_to_string(&path).expect("readable"), content);
            assert_eq!(mode(&path), 0o440);
        }
    }

    #[test]
    fn a_missing_place_on_the_host_is_named() {
        let pod = tempfile::tempdir().expect("a directory");
        let content = VolumeContent::Host {
            path: "/no/such/place".into(),
            create: false,
        };
        let error = prepare(pod.path(), &mount(content, None), None).expect_err("missing");
        assert!(
            error.to_string().contains("volume \"v\": /no/such/place"),
            "{error}"
        );
    }
}
