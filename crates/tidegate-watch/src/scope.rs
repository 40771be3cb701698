//! Which objects a watch is about.

use kube::runtime::watcher::Config;
use tidegate_model::labels;

/// Which objects to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What a proxy needs: no headless Services, no slices of such, no Services of other proxies.
    /// The selectors are upstream's, so that the API server's cost is the same.
    Proxy,
    /// Every Service and slice, and the namespaces.
    Everything,
    /// What selectors leave of everything.
    Selected(Selectors),
}

/// Label selectors in the API's notation; what has none is watched whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selectors {
    /// The labels of Services, slices and pods.
    pub objects: Option<String>,
    /// The labels of namespaces. What is in other namespaces is watched all the same.
    pub namespaces: Option<String>,
}

impl Scope {
    pub(crate) fn services(&self) -> Config {
        match self {
            Self::Proxy => Config::default()
                .labels(&format!("!{}", labels::SERVICE_PROXY_NAME))
                .fields("spec.clusterIP!=None"),
            Self::Everything => Config::default(),
            Self::Selected(selectors) => selected(selectors.objects.as_deref()),
        }
    }

    pub(crate) fn slices(&self) -> Config {
        match self {
            Self::Proxy => Config::default().labels(&format!("!{}", labels::HEADLESS)),
            Self::Everything => Config::default(),
            Self::Selected(selectors) => selected(selectors.objects.as_deref()),
        }
    }

    /// `None` where namespaces aren't watched.
    pub(crate) fn namespaces(&self) -> Option<Config> {
        match self {
            Self::Proxy => None,
            Self::Everything => Some(Config::default()),
            Self::Selected(selectors) => Some(selected(selectors.namespaces.as_deref())),
        }
    }

    /// Pods that have ended have no address, as for CoreDNS.
    pub(crate) fn pods(&self) -> Config {
        let config = match self {
            Self::Proxy | Self::Everything => Config::default(),
            Self::Selected(selectors) => selected(selectors.objects.as_deref()),
        };
        config.fields("status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown")
    }
}

fn selected(labels: Option<&str>) -> Config {
    match labels {
        Some(labels) => Config::default().labels(labels),
        None => Config::default(),
    }
}
