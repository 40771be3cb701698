//! User, groups, capabilities and the no-new-privileges flag of a container's processes.

use std::collections::HashSet;
use std::str::FromStr;

use caps::{CapSet, Capability, CapsHashSet};
use nix::unistd::{Gid, Uid, setgroups, setresgid, setresuid};
use thiserror::Error;

use super::spec::Privileges;

/// Why the process could not take on its role.
#[derive(Debug, Error)]
pub(super) enum PrivilegeError {
    #[error("{0:?} is not a capability")]
    Unknown(String),
    #[error("capabilities: {0}")]
    Capabilities(#[from] caps::errors::CapsError),
    #[error("user and groups: {0}")]
    Identity(#[from] nix::Error),
}

/// Gives up everything that `privileges` does not list. There is no way back.
pub(super) fn assume(privileges: &Privileges) -> Result<(), PrivilegeError> {
    let kept = parse(&privileges.capabilities)?;
    limit_bounding_set(&kept)?;
    caps::clear(None, CapSet::Ambient)?;
    set_identity(privileges)?;
    if privileges.user == 0 {
        // What the machine itself does not have cannot be kept.
        let permitted = caps::read(None, CapSet::Permitted)?;
        let effective: CapsHashSet = kept.intersection(&permitted).copied().collect();
        caps::set(None, CapSet::Inheritable, &HashSet::new())?;
        caps::set(None, CapSet::Effective, &effective)?;
        caps::set(None, CapSet::Permitted, &effective)?;
    }
    if privileges.no_new_privileges {
        nix::sys::prctl::set_no_new_privs()?;
    }
    Ok(())
}

fn parse(names: &[String]) -> Result<CapsHashSet, PrivilegeError> {
    names
        .iter()
        .map(|name| Capability::from_str(name).map_err(|_| PrivilegeError::Unknown(name.clone())))
        .collect()
}

/// Nothing outside the bounding set can come back through an executed file.
fn limit_bounding_set(kept: &CapsHashSet) -> Result<(), PrivilegeError> {
    for capability in caps::read(None, CapSet::Bounding)? {
        if !kept.contains(&capability) {
            caps::drop(None, CapSet::Bounding, capability)?;
        }
    }
    Ok(())
}

fn set_identity(privileges: &Privileges) -> Result<(), nix::Error> {
    let groups: Vec<Gid> = privileges
        .supplementary_groups
        .iter()
        .map(|group| Gid::from_raw(*group))
        .collect();
    setgroups(&groups)?;
    let group = Gid::from_raw(privileges.group);
    setresgid(group, group, group)?;
    let user = Uid::from_raw(privileges.user);
    setresuid(user, user, user)
}
