//! From nothing to the first answer.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::net::TcpStream;

use crate::machine::Machine;
use crate::report::Report;

const NAME: &str = "hostnames";
const PODS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn measure(machine: &mut Machine, report: &mut Report) -> anyhow::Result<()> {
    report.time(
        "`tidegate up`, from the command to ready, empty data directory",
        machine.start()?,
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    report.memory("memory of `tidegate up`, idle", machine.memory()?);
    machine.stop()?;
    report.time(
        "`tidegate up`, from the command to ready, second start",
        machine.start()?,
    );

    let client = machine.client().await?;
    let address = create_service(&client).await?;
    let first_answer = tokio::spawn(async move { first_answer(&address).await });
    let begun = Instant::now();
    let (first_ready, all_ready) = roll_out(&client).await?;
    report.time(
        "three pods, from the Deployment's creation to ready",
        all_ready.duration_since(begun),
    );
    let answered = first_answer.await??;
    report.time(
        "first answer of the cluster IP, after the first pod is ready",
        answered.saturating_duration_since(first_ready),
    );
    Ok(())
}

/// The classic Service, and its address.
async fn create_service(client: &Client) -> anyhow::Result<String> {
    let service = json!({"metadata": {"name": NAME}, "spec": {"selector": {"app": NAME}, "ports": [{"port": 80, "targetPort": 9376}]}});
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let created = services
        .create(&PostParams::default(), &serde_json::from_value(service)?)
        .await?;
    created
        .spec
        .and_then(|spec| spec.cluster_ip)
        .context("the Service has an address")
}

/// Tries until a connection comes about.
async fn first_answer(address: &str) -> anyhow::Result<Instant> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if TcpStream::connect((address, 80)).await.is_ok() {
            return Ok(Instant::now());
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("the Service never answered")
}

/// Creates the Deployment, and says when its first and its last pod became ready.
async fn roll_out(client: &Client) -> anyhow::Result<(Instant, Instant)> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let events = pods
        .watch(
            &WatchParams::default().labels("app=hostnames").timeout(60),
            "0",
        )
        .await?;
    let mut events = std::pin::pin!(events);
    let template = json!({"metadata": {"labels": {"app": NAME}},
        "spec": {"containers": [{"name": "serve", "image": "k8s.gcr.io/serve_hostname", "ports": [{"containerPort": 9376}]}]}});
    let deployment = json!({"metadata": {"name": NAME},
        "spec": {"replicas": PODS, "selector": {"matchLabels": {"app": NAME}}, "template": template}});
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "default");
    deployments
        .create(&PostParams::default(), &serde_json::from_value(deployment)?)
        .await?;
    let mut ready: Vec<(String, Instant)> = Vec::new();
    while ready.len() < PODS {
        let event = events
            .try_next()
            .await?
            .context("the pods became ready in time")?;
        if let WatchEvent::Added(pod) | WatchEvent::Modified(pod) = event {
            let name = pod.metadata.name.clone().unwrap_or_default();
            if is_ready(&pod) && ready.iter().all(|(known, _)| *known != name) {
                ready.push((name, Instant::now()));
            }
        }
    }
    Ok((ready[0].1, ready[PODS - 1].1))
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
