//! What `tidegate up` says while it starts.

use std::fmt::Display;
use std::path::Path;
use std::time::Instant;

use crate::say;

/// The time since the start, for the lines that tell about it.
pub(crate) struct Progress {
    begun: Instant,
}

impl Progress {
    pub(crate) fn begin() -> Self {
        say!("tidegate {}", env!("CARGO_PKG_VERSION"));
        Self {
            begun: Instant::now(),
        }
    }

    /// A part is there.
    pub(crate) fn done(&self, part: &str, detail: impl Display) {
        say!("  {part:<12} {detail}");
    }

    /// Everything is there.
    pub(crate) fn ready(&self, kubeconfig: &Path) {
        say!(
            "ready in {:.2} s; stop with Ctrl-C. To use it from another terminal:",
            self.begun.elapsed().as_secs_f64()
        );
        say!("  export KUBECONFIG={}", kubeconfig.display());
        say!("  kubectl get services        (or: tidegate get services)");
        say!("");
    }
}
