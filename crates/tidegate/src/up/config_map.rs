//! A ConfigMap of `kube-system` that holds the configuration of a part, as in clusters made by
//! kubeadm. Whoever edits it changes the running part.

use std::fmt;
use std::future::ready;

use anyhow::{Context, anyhow};
use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};
use kube::{Api, Client};
use serde_json::{Value, json};

const NAMESPACE: &str = "kube-system";

/// Where the configuration of a part is.
#[derive(Clone, Copy, Debug)]
pub(super) struct PartConfig {
    /// What messages call the part.
    pub(super) part: &'static str,
    /// The ConfigMap's name.
    pub(super) name: &'static str,
    /// The key that kubeadm uses.
    pub(super) key: &'static str,
}

impl PartConfig {
    /// What messages call the ConfigMap.
    pub(super) fn object(self) -> String {
        format!("ConfigMap {NAMESPACE}/{}", self.name)
    }

    /// The ConfigMap, if there is one.
    ///
    /// # Errors
    /// The API refuses.
    pub(super) async fn find(self, client: &Client) -> anyhow::Result<Option<ConfigMap>> {
        let found = api(client).get_opt(self.name).await;
        found.with_context(|| format!("reading the {}'s ConfigMap", self.part))
    }

    /// Makes the ConfigMap, with labels and annotations of `metadata`.
    ///
    /// # Errors
    /// The API refuses.
    pub(super) async fn create(
        self,
        client: &Client,
        mut metadata: Value,
        text: &str,
    ) -> anyhow::Result<()> {
        metadata["name"] = self.name.into();
        let object = json!({"metadata": metadata, "data": {self.key: text}});
        let object = serde_json::from_value(object)?;
        let created = api(client).create(&PostParams::default(), &object).await;
        created.with_context(|| format!("making the {}'s ConfigMap", self.part))?;
        Ok(())
    }

    /// Changes the configuration, and the labels and annotations of `metadata`.
    ///
    /// # Errors
    /// The API refuses.
    pub(super) async fn update(
        self,
        client: &Client,
        metadata: Value,
        text: &str,
    ) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({"metadata": metadata, "data": {self.key: text}}));
        let patched = api(client)
            .patch(self.name, &PatchParams::default(), &patch)
            .await;
        patched.with_context(|| format!("changing the {}'s ConfigMap", self.part))?;
        Ok(())
    }

    /// The configuration in a ConfigMap.
    ///
    /// # Errors
    /// It has no such key.
    pub(super) fn text(self, object: &ConfigMap) -> anyhow::Result<&str> {
        let text = object.data.as_ref().and_then(|data| data.get(self.key));
        text.map(String::as_str)
            .ok_or_else(|| anyhow!("{self} is missing"))
    }

    /// The configuration of this moment, and then each that it is changed to, for ever.
    pub(super) fn contents(self, client: &Client) -> impl Stream<Item = anyhow::Result<String>> {
        let only = Config::default().fields(&format!("metadata.name={}", self.name));
        let events = watcher(api(client), only).default_backoff();
        events.filter_map(move |event| ready(self.content(event)))
    }

    fn content(self, event: Result<Event<ConfigMap>, Error>) -> Option<anyhow::Result<String>> {
        match event {
            Ok(Event::Apply(object) | Event::InitApply(object)) => {
                return Some(self.text(&object).map(str::to_owned));
            }
            Ok(Event::Delete(_)) => {
                let (object, part) = (self.object(), self.part);
                tracing::warn!("the {object} is gone; the {part}'s configuration stays in force");
            }
            Ok(Event::Init | Event::InitDone) => {}
            Err(error) => {
                tracing::warn!(%error, "the watch of the {}'s ConfigMap was cut", self.part);
            }
        }
        None
    }

    /// Says that the first configuration can't be used.
    pub(super) fn tell_unusable(self, error: &anyhow::Error) {
        tracing::error!(
            "{error:#}; the {} works by its defaults until that is corrected",
            self.part
        );
    }

    /// Says that a configuration can't be used that came while another one is in force.
    pub(super) fn tell_refused(self, error: &anyhow::Error) {
        tracing::error!(
            "{error:#}; the {}'s configuration before stays in force",
            self.part
        );
    }
}

impl fmt::Display for PartConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key {:?} of the {}", self.key, self.object())
    }
}

fn api(client: &Client) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), NAMESPACE)
}
