//! Limits of the process and of the kernel that would stand in the way.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// How many descriptors are asked for: two for each connection, and one for each listener. It is
/// the most that the kernel gives by default (`fs.nr_open`).
const DESCRIPTORS: u64 = 1 << 20;

const TW_REUSE: &str = "/proc/sys/net/ipv4/tcp_tw_reuse";

/// Raises the number of descriptors that this process may have as far as that is allowed.
pub(crate) fn raise_descriptor_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let most = hard.max(DESCRIPTORS);
    let wanted = [(most, most), (hard, hard)];
    let mut wanted = wanted.into_iter().filter(|(limit, _)| *limit > soft);
    let raised = wanted.any(|(soft, hard)| setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok());
    if !raised && soft < DESCRIPTORS {
        tracing::info!(
            descriptors = soft,
            "each forwarded connection takes two descriptors; there can be no more of them"
        );
    }
}

/// Whether local ports may be used again early, and how it was before.
#[derive(Debug, Default)]
pub(crate) struct PortReuse {
    before: Option<String>,
}

impl PortReuse {
    /// Allows it, in the calling thread's network namespace.
    pub(crate) fn allow(&mut self) {
        let Ok(before) = std::fs::read_to_string(TW_REUSE) else {
            return;
        };
        if before.trim() == "1" {
            return;
        }
        match std::fs::write(TW_REUSE, "1") {
            Ok(()) => {
                tracing::info!(before = before.trim(), "net.ipv4.tcp_tw_reuse is 1 now");
                self.before.get_or_insert(before);
            }
            Err(error) => tracing::warn!(
                %error,
                "net.ipv4.tcp_tw_reuse can't be set to 1: one backend can get some 470 new \
                 connections a second"
            ),
        }
    }

    /// Puts it back to how it was, if we changed it.
    pub(crate) fn restore(&mut self) {
        if let Some(before) = self.before.take()
            && let Err(error) = std::fs::write(TW_REUSE, before)
        {
            tracing::warn!(%error, "net.ipv4.tcp_tw_reuse can't be put back");
        }
    }
}
