//! Which user and which capabilities a container gets.

use k8s_openapi::api::core::v1::{Container, PodSpec};

use super::problem::Problem;
use crate::internal::spec::Privileges;

/// What containerd and Docker leave to a container that asks for nothing.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

/// The privileges of `container`; its own security context wins over the pod's.
pub(crate) fn privileges(spec: &PodSpec, container: &Container) -> Result<Privileges, Problem> {
    let pod = spec.security_context.clone().unwrap_or_default();
    let own = container.security_context.clone().unwrap_or_default();
    let user = id("runAsUser", own.run_as_user.or(pod.run_as_user))?;
    let group = id("runAsGroup", own.run_as_group.or(pod.run_as_group))?;
    if user == 0 && own.run_as_non_root.or(pod.run_as_non_root) == Some(true) {
        return Err(Problem::config(
            "container has runAsNonRoot and would run as root; set runAsUser",
        ));
    }
    let mut supplementary_groups = Vec::new();
    for group in pod
        .supplemental_groups
        .into_iter()
        .flatten()
        .chain(pod.fs_group)
    {
        supplementary_groups.push(id("supplementalGroups", Some(group))?);
    }
    let privileged = own.privileged == Some(true);
    let changes = own.capabilities.unwrap_or_default();
    let capabilities = if privileged {
        all()
    } else {
        capabilities(
            &changes.add.unwrap_or_default(),
            &changes.drop.unwrap_or_default(),
        )?
    };
    Ok(Privileges {
        user,
        group,
        supplementary_groups,
        capabilities,
        // Stricter than Kubernetes, where the default allows escalation: here a container sees the
        // host's set-user-ID programs.
        no_new_privileges: !privileged && own.allow_privilege_escalation != Some(true),
        privileged,
    })
}

fn id(field: &str, value: Option<i64>) -> Result<u32, Problem> {
    let value = value.unwrap_or(0);
    u32::try_from(value).map_err(|_| Problem::config(format!("{field}: {value} is no valid id")))
}

fn capabilities(add: &[String], drop: &[String]) -> Result<Vec<String>, Problem> {
    let (add, drop) = (names(add)?, names(drop)?);
    let mut kept: Vec<String> = if drop.iter().any(|name| name == "CAP_ALL") {
        Vec::new()
    } else {
        DEFAULT_CAPABILITIES.map(str::to_owned).to_vec()
    };
    if add.iter().any(|name| name == "CAP_ALL") {
        kept = all();
    }
    kept.retain(|name| !drop.contains(name));
    for name in add {
        if name != "CAP_ALL" && !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(kept)
}

/// The API writes names without the prefix that the kernel's headers use, but takes both.
fn names(given: &[String]) -> Result<Vec<String>, Problem> {
    given
        .iter()
        .map(|name| {
            let full = caps::to_canonical(name);
            if full == "CAP_ALL" || full.parse::<caps::Capability>().is_ok() {
                Ok(full)
            } else {
                Err(Problem::config(format!("unknown capability {name:?}")))
            }
        })
        .collect()
}

fn all() -> Vec<String> {
    let mut names: Vec<String> = caps::all().iter().map(ToString::to_string).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pod: serde_json::Value, container: serde_json::Value) -> Result<Privileges, Problem> {
        let spec = serde_json::json!({"containers": [], "securityContext": pod});
        let container = serde_json::json!({"name": "c", "securityContext": container});
        privileges(
            &serde_json::from_value(spec).expect("a pod spec"),
            &serde_json::from_value(container).expect("a container"),
        )
    }

    #[test]
    fn the_default_is_what_container_engines_give() {
        let privileges = of(serde_json::json!({}), serde_json::json!({})).expect("valid");
        assert_eq!(privileges.capabilities, DEFAULT_CAPABILITIES);
        assert_eq!((privileges.user, privileges.group), (0, 0));
        assert!(privileges.no_new_privileges);
    }

    #[test]
    fn the_container_wins_over_the_pod() {
        let privileges = of(
            serde_json::json!({"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 2000}),
            serde_json::json!({"runAsUser": 1001}),
        )
        .expect("valid");
        assert_eq!((privileges.user, privileges.group), (1001, 1000));
        assert_eq!(privileges.supplementary_groups, [2000]);
    }

    #[test]
    fn capabilities_are_added_and_dropped() {
        let of = |add: &[&str], drop: &[&str]| {
            let capabilities = serde_json::json!({"add": add, "drop": drop});
            of(
                serde_json::json!({}),
                serde_json::json!({"capabilities": capabilities}),
            )
            .map(|privileges| privileges.capabilities)
        };
        assert_eq!(
            of(&["NET_ADMIN"], &["ALL"]),
            Ok(vec!["CAP_NET_ADMIN".to_owned()])
        );
        let without_raw = of(&[], &["NET_RAW"]).expect("valid");
        assert_eq!(without_raw.len(), 13);
        assert!(of(&["ALL"], &[]).expect("valid").len() > 14);
        let error = of(&["FLY"], &[]).expect_err("unknown");
        assert_eq!(error.message, "unknown capability \"FLY\"");
    }

    #[test]
    fn root_is_refused_where_it_is_forbidden() {
        let forbidden = serde_json::json!({"runAsNonRoot": true});
        assert!(of(forbidden.clone(), serde_json::json!({})).is_err());
        assert!(of(forbidden, serde_json::json!({"runAsUser": 1})).is_ok());
        assert!(of(serde_json::json!({"runAsUser": -1}), serde_json::json!({})).is_err());
    }
}
