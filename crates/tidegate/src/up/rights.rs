//! Whether we may do what `tidegate up` does, before any of it is done.

use anyhow::{anyhow, bail};
use caps::{CapSet, Capability};

use crate::exit::Failure;

/// What each right is needed for.
const NEEDED: [(Capability, &str); 3] = [
    (Capability::CAP_NET_ADMIN, "links and rules"),
    (Capability::CAP_SYS_ADMIN, "namespaces and mounts"),
    (Capability::CAP_KILL, "ending pods of other users"),
];

/// Refuses everyone but root with the capabilities that are needed.
pub(crate) fn check() -> Result<(), Failure> {
    let check = || -> anyhow::Result<()> {
        if !nix::unistd::geteuid().is_root() {
            bail!(
                "tidegate up makes network namespaces and rules: run it as root (sudo tidegate up)"
            );
        }
        let have = caps::read(None, CapSet::Effective)
            .map_err(|error| anyhow!("our capabilities can't be read: {error}"))?;
        match NEEDED
            .iter()
            .find(|(capability, _)| !have.contains(capability))
        {
            Some((capability, purpose)) => bail!(
                "root lacks the capability {capability} here, which {purpose} need: \
                 run tidegate up where root has it, not in a restricted container"
            ),
            None => Ok(()),
        }
    };
    check().map_err(Failure::Machine)
}
