//! A new configuration for a proxy that runs.

use serde_json::Value;
use tidegate_proxy::ProxyHandle;
use tidegate_proxy_config::{Effect, FieldErrors, KubeProxyConfiguration, changes};
use tokio::sync::watch;

use super::{Meaning, ModeChoice, NodeSide, sysctls};

/// Brings new configurations to a running proxy.
pub(crate) struct Reloader {
    side: NodeSide,
    in_force: KubeProxyConfiguration,
    handle: ProxyHandle<ModeChoice>,
    /// What `/configz` shows.
    shown: watch::Sender<Value>,
}

impl Reloader {
    pub(crate) fn new(
        side: NodeSide,
        in_force: KubeProxyConfiguration,
        handle: ProxyHandle<ModeChoice>,
    ) -> Self {
        Self {
            side,
            shown: watch::Sender::new(in_force.to_json()),
            in_force,
            handle,
        }
    }

    /// The configuration in force, as it changes.
    pub(crate) fn shown(&self) -> watch::Receiver<Value> {
        self.shown.subscribe()
    }

    /// Puts a configuration into force: what can change while the proxy runs changes, and the log
    /// says of everything else that it needs a restart.
    ///
    /// # Errors
    /// It isn't valid; the one before stays in force.
    pub(crate) fn take(&mut self, new: KubeProxyConfiguration) -> Result<(), FieldErrors> {
        new.validate()?;
        let changes = changes(&self.in_force, &new);
        for change in &changes {
            tracing::info!("{change}");
        }
        if changes.is_empty() {
            return Ok(());
        }
        if new.conntrack != self.in_force.conntrack {
            sysctls::set(&new);
        }
        if changes.iter().any(|change| change.effect == Effect::AtOnce) {
            let Meaning { proxy, choice } = Meaning::of(&new, &self.side);
            self.handle.reconfigure(proxy, choice);
        }
        self.shown.send_replace(new.to_json());
        self.in_force = new;
        Ok(())
    }
}
