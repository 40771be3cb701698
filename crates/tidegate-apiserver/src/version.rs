//! `/version`: clients compare it with their own.

use serde_json::{Value, json};

/// The Kubernetes version whose API this server speaks.
const MAJOR: &str = "1";
const MINOR: &str = "36";

/// The document that `kubectl version` reads.
pub(crate) fn version() -> Value {
    let own = env!("CARGO_PKG_VERSION");
    json!({
        "major": MAJOR, "minor": MINOR, "emulationMajor": MAJOR, "emulationMinor": MINOR,
        "gitVersion": format!("v{MAJOR}.{MINOR}.0-tidegate.{own}"),
        "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}
