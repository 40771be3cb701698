//! How long a change takes to arrive.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::machine::run;
use crate::report::Report;
use crate::start::is_ready;

const WRITES: usize = 300;

pub(crate) async fn measure(client: &Client, report: &mut Report) -> anyhow::Result<()> {
    watch_delay(client, report).await?;
    report.time(
        "a deleted pod is out of the kernel, after its event",
        deleted_pod(client).await?,
    );
    report.time(
        "a pod that turned unready is out of the kernel, after its event",
        unready_pod(client).await?,
    );
    report.time(
        "a killed process's pod is out of the kernel, after the kill",
        killed_pod(client).await?,
    );
    Ok(())
}

/// From the moment that a write is sent to the moment that a watcher has it.
async fn watch_delay(client: &Client, report: &mut Report) -> anyhow::Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let version = maps
        .list(&ListParams::default())
        .await?
        .metadata
        .resource_version
        .unwrap_or_default();
    let events = maps
        .watch(&WatchParams::default().timeout(120), &version)
        .await?;
    let mut events = std::pin::pin!(events);
    let (mut from_send, mut writes) = (Vec::new(), Vec::new());
    for number in 0..WRITES {
        let map: ConfigMap =
            serde_json::from_value(json!({"metadata": {"name": format!("watched-{number}")}}))?;
        let sent = Instant::now();
        let parameters = PostParams::default();
        let (created, seen) = tokio::join!(
            async { maps.create(&parameters, &map).await.map(|_| sent.elapsed()) },
            async {
                loop {
                    match events.try_next().await {
                        Ok(Some(WatchEvent::Added(_))) => return Ok(sent.elapsed()),
                        Ok(Some(_)) => {}
                        Ok(None) => bail!("the watch ended"),
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        );
        writes.push(created?);
        from_send.push(seen?);
    }
    report.spread("one API write, sent to acknowledged", writes);
    report.spread("watch delay, write sent to event received", from_send);
    Ok(())
}

async fn deleted_pod(client: &Client) -> anyhow::Result<Duration> {
    let (pods, pod) = a_ready_pod(client).await?;
    let (name, address) = identity(&pod)?;
    let version = pod.metadata.resource_version.clone().unwrap_or_default();
    let field = format!("metadata.name={name}");
    let events = pods
        .watch(&WatchParams::default().fields(&field).timeout(60), &version)
        .await?;
    let mut events = std::pin::pin!(events);
    pods.delete(&name, &DeleteParams::default()).await?;
    events
        .try_next()
        .await?
        .context("the deletion has an event")?;
    let begun = Instant::now();
    until_kernel(&address, false)?;
    Ok(begun.elapsed())
}

/// A pod whose readiness probe begins to fail; the time runs from the event that tells so.
async fn unready_pod(client: &Client) -> anyhow::Result<Duration> {
    let flag = tempfile::NamedTempFile::new()?;
    let probe = json!({"exec": {"command": ["test", "-e", flag.path()]}, "periodSeconds": 1, "failureThreshold": 1});
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let pod = ready_pod(
        &pods,
        "moody",
        json!({"containers": [
        {"name": "serve", "image": "serve_hostname", "readinessProbe": probe}]}),
    )
    .await?;
    let (name, address) = identity(&pod)?;
    until_kernel(&address, true)?;
    let version = pod.metadata.resource_version.unwrap_or_default();
    let of_pod = WatchParams::default()
        .fields(&format!("metadata.name={name}"))
        .timeout(60);
    let events = pods.watch(&of_pod, &version).await?;
    let mut events = std::pin::pin!(events);
    flag.close()?;
    loop {
        match events
            .try_next()
            .await?
            .context("the pod turns unready in time")?
        {
            WatchEvent::Modified(pod) if !is_ready(&pod) => break,
            _ => {}
        }
    }
    let begun = Instant::now();
    until_kernel(&address, false)?;
    Ok(begun.elapsed())
}

/// Creates a pod of the Service and waits until it is ready.
async fn ready_pod(pods: &Api<Pod>, name: &str, spec: Value) -> anyhow::Result<Pod> {
    let pod = json!({"metadata": {"name": name, "labels": {"app": "hostnames"}}, "spec": spec});
    pods.create(&PostParams::default(), &serde_json::from_value(pod)?)
        .await?;
    let begun = Instant::now();
    loop {
        let pod = pods.get(name).await?;
        if is_ready(&pod) {
            return Ok(pod);
        }
        if begun.elapsed() > Duration::from_secs(60) {
            bail!("pod {name} never was ready");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A pod that is not started again, so that it stays gone.
async fn killed_pod(client: &Client) -> anyhow::Result<Duration> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let once = json!({"restartPolicy": "Never", "containers": [{"name": "serve", "image": "serve_hostname"}]});
    let pod = ready_pod(&pods, "victim", once).await?;
    let (_, address) = identity(&pod)?;
    until_kernel(&address, true)?;
    let id = pod.metadata.uid.context("a pod has a uid")?;
    // The pod's processes are those of its control group.
    let group = run(&format!(
        "find /sys/fs/cgroup -type d -name '*{id}*' | head -1"
    ))?;
    let processes = run(&format!(
        "find '{}' -name cgroup.procs -exec cat {{}} +",
        group.trim()
    ))?;
    let begun = Instant::now();
    run(&format!(
        "kill -s KILL {}",
        processes.split_whitespace().collect::<Vec<_>>().join(" ")
    ))?;
    until_kernel(&address, false)?;
    Ok(begun.elapsed())
}

/// Waits for three ready pods, so that one can go; gives one of them.
async fn a_ready_pod(client: &Client) -> anyhow::Result<(Api<Pod>, Pod)> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let begun = Instant::now();
    loop {
        let found = pods
            .list(&ListParams::default().labels("app=hostnames"))
            .await?
            .items;
        let mut ready = found
            .iter()
            .filter(|pod| is_ready(pod) && pod.metadata.deletion_timestamp.is_none());
        if let (3.., Some(pod)) = (ready.clone().count(), ready.next()) {
            return Ok((pods, pod.clone()));
        }
        if begun.elapsed() > Duration::from_secs(60) {
            bail!("three pods never were ready");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn identity(pod: &Pod) -> anyhow::Result<(String, String)> {
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
    Ok((
        pod.metadata.name.clone().unwrap_or_default(),
        address.context("a ready pod has an address")?,
    ))
}

/// Looks with `nft`, which takes some milliseconds itself, until an address is in the rules or not.
fn until_kernel(address: &str, wanted: bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        // The blank keeps 10.244.0.2 from being found in 10.244.0.21.
        let rules = run("nft list table ip tidegate")?;
        if rules.contains(&format!("{address} ")) == wanted {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(30) {
            bail!(
                "{address} {} the kernel",
                if wanted {
                    "never came into"
                } else {
                    "stayed in"
                }
            );
        }
    }
}
