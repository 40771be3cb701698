//! What others need while the proxy runs.

use tokio::sync::watch;

use crate::{ProxyConfig, ProxyView, Status};

/// Changes a running proxy, and looks at it. Clones are the same.
#[derive(Clone, Debug)]
pub struct ProxyHandle<C> {
    pub(crate) wanted: watch::Sender<(ProxyConfig, C)>,
    pub(crate) view: ProxyView,
}

impl<C> ProxyHandle<C> {
    /// Has the proxy work under another configuration, in another mode maybe.
    ///
    /// Another mode serves everything before the one before gives way. If it can't, the whole
    /// configuration before stays in force, and [`Status::rejected`] says why; the next call tries
    /// anew. Of several calls in quick succession only the last may count.
    pub fn reconfigure(&self, config: ProxyConfig, choice: C) {
        self.wanted.send_replace((config, choice));
    }

    /// Follows the proxy's own account of itself.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.view.status.clone()
    }

    /// What health and metrics servers show.
    pub fn view(&self) -> ProxyView {
        self.view.clone()
    }
}
