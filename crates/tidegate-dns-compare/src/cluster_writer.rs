//! Writes the cluster through the API, as controllers and users do.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use futures::stream::{self, StreamExt, TryStreamExt};
use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;

use crate::cluster::{self, Size};

const SERVICES: &str = "/api/v1/namespaces/default/services";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";

/// How many writes are on their way at once.
pub(crate) const AT_ONCE: usize = 32;

/// How often an API that starts is tried, ten times a second.
const TRIES: usize = 600;

/// A client of the API.
#[derive(Clone)]
pub(crate) struct Writer {
    client: Client,
}

impl Writer {
    /// Waits until the API serves.
    pub(crate) async fn new(kubeconfig: &Path) -> anyhow::Result<Self> {
        let mut outcome = Self::try_new(kubeconfig).await;
        for _ in 0..TRIES {
            if outcome.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
            outcome = Self::try_new(kubeconfig).await;
        }
        outcome.context("the API server never served")
    }

    async fn try_new(kubeconfig: &Path) -> anyhow::Result<Self> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig)?;
        let options = KubeConfigOptions::default();
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        let writer = Self {
            client: Client::try_from(config)?,
        };
        let request = Request::get(format!("{SERVICES}/kubernetes")).body(Vec::new())?;
        writer.client.request_text(request).await?;
        Ok(writer)
    }

    /// Creates all Services with their endpoints.
    pub(crate) async fn create_all(&self, size: Size) -> anyhow::Result<()> {
        let each = (0..size.services).map(|number| async move {
            let addresses = cluster::addresses(size, number);
            let name = cluster::name(number);
            self.create(&name, cluster::is_headless(number), &addresses)
                .await
        });
        stream::iter(each)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    /// Creates a Service with its endpoints.
    pub(crate) async fn create(
        &self,
        name: &str,
        is_headless: bool,
        addresses: &[Ipv4Addr],
    ) -> anyhow::Result<()> {
        let service = cluster::service(name, is_headless);
        self.send("POST", SERVICES, &service).await?;
        let slice = cluster::slice(name, addresses);
        self.send("POST", SLICES, &slice).await
    }

    /// Gives a Service other endpoints.
    pub(crate) async fn change(&self, name: &str, addresses: &[Ipv4Addr]) -> anyhow::Result<()> {
        let path = format!("{SLICES}/{name}");
        self.send("PUT", &path, &cluster::slice(name, addresses))
            .await
    }

    async fn send(&self, method: &str, path: &str, object: &Value) -> anyhow::Result<()> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("Content-Type", "application/json")
            .body(object.to_string().into_bytes())?;
        let sent = self.client.request_text(request).await;
        sent.map(drop).with_context(|| format!("{method} {path}"))
    }
}
