//! The configuration file, which may change while the proxy runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use tidegate_proxy_config::{KubeProxyConfiguration, decode};

/// How often the file is looked at. A ConfigMap's files are swapped by a link somewhere on the
/// path, which no watch on the file itself would tell.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A configuration file.
#[derive(Clone, Debug)]
pub(super) struct ConfigFile {
    path: PathBuf,
}

impl ConfigFile {
    pub(super) fn at(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
        }
    }

    /// Reads the file; what is only odd about it goes to `warnings`.
    ///
    /// # Errors
    /// It can't be read, or isn't a configuration of kube-proxy.
    pub(super) fn read(
        &self,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<KubeProxyConfiguration> {
        let name = self.path.display();
        let bytes = std::fs::read(&self.path).with_context(|| format!("{name} can't be read"))?;
        let decoded = decode(&bytes).with_context(|| format!("loading {name}"))?;
        if let Some(strict) = decoded.lenient {
            warnings.push(format!(
                "{name}: using lenient decoding as strict decoding failed: {strict}"
            ));
        }
        Ok(decoded.config)
    }

    /// Waits until the file's content is another than at the last call, or at the first one.
    pub(super) async fn changed(&self, last: &mut Option<Vec<u8>>) {
        loop {
            // A file that is away for a moment, while somebody replaces it, is no news.
            if let Ok(bytes) = tokio::fs::read(&self.path).await {
                let before = last.replace(bytes);
                if before.is_some() && before != *last {
                    return;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
