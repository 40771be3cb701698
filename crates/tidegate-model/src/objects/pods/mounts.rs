//! Volumes of a pod and where its containers mount them.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::super::formats::dns_label;
use super::super::{Cause, FieldPath};

/// Checks the names of volumes, and returns those that can be mounted.
pub(super) fn check_volumes<'a>(
    path: &FieldPath,
    spec: &'a PodSpec,
) -> (Vec<Cause>, BTreeSet<&'a str>) {
    let mut names = BTreeSet::new();
    let mut causes = Vec::new();
    for (index, volume) in spec.volumes.iter().flatten().enumerate() {
        let path = path.index(index).child("name");
        let name = volume.name.as_str();
        let faults = dns_label(name);
        if name.is_empty() {
            causes.push(Cause::required(&path, ""));
        } else if !faults.is_empty() {
            causes.extend(
                faults
                    .iter()
                    .map(|fault| Cause::invalid(&path, name, fault)),
            );
        } else if !names.insert(name) {
            causes.push(Cause::duplicate(&path, name));
        }
    }
    (causes, names)
}

/// Checks that a container mounts volumes that exist, each at a place of its own.
pub(super) fn check_mounts(
    path: &FieldPath,
    container: &Container,
    volumes: &BTreeSet<&str>,
) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut places = BTreeSet::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        let path = path.index(index);
        let (name, place) = (mount.name.as_str(), mount.mount_path.as_str());
        if name.is_empty() {
            causes.push(Cause::required(&path.child("name"), ""));
        } else if !volumes.contains(name) {
            causes.push(Cause::not_found(&path.child("name"), name));
        }
        let place_path = path.child("mountPath");
        if place.is_empty() {
            causes.push(Cause::required(&place_path, ""));
        }
        if !places.insert(place) {
            causes.push(Cause::invalid(&place_path, place, "must be unique"));
        }
        let sub_path = mount.sub_path.as_deref().unwrap_or_default();
        causes.extend(check_local_path(&path.child("subPath"), sub_path));
    }
    causes
}

/// A path inside a volume may not leave it.
fn check_local_path(path: &FieldPath, value: &str) -> Option<Cause> {
    if value.starts_with('/') {
        return Some(Cause::invalid(path, value, "must be a relative path"));
    }
    let climbs = value.split('/').any(|segment| segment == "..");
    climbs.then(|| Cause::invalid(path, value, "must not contain '..'"))
}
