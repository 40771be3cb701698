//! `tidegate demo`: the classic example, live.

mod call;
mod lookup;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, Client};
use tidegate_client::{Connection, Kinds, apply, manifest};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::cli::DemoArgs;
use crate::exit::Failure;
use crate::say;
use crate::up::{self, Cluster};

/// The manifests that the demo applies; the file is part of the repository's examples.
const EXAMPLE: &str = include_str!("../../../../examples/hostnames.yaml");
const SERVICE: &str = "hostnames";
const PORT: u16 = 80;
const PODS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs everything, applies the example and calls it, until interrupted or for a number of calls.
pub(crate) async fn run(args: DemoArgs, interrupt: CancellationToken) -> Result<(), Failure> {
    let cluster = up::start(&args.up).await?;
    let shown = match interrupt
        .run_until_cancelled(show(&cluster, args.calls))
        .await
    {
        Some(shown) => shown,
        None => Ok(()),
    };
    cluster.stop().await?;
    shown.map_err(Failure::Failed)
}

async fn show(cluster: &Cluster, calls: usize) -> anyhow::Result<()> {
    apply_example(cluster.client()).await?;
    let address = wait_for_pods(cluster.client()).await?;
    let name = format!("{SERVICE}.default.svc.{}", cluster.domain());
    let endpoints = wait_for_endpoints(cluster.client()).await?;
    let resolved = lookup::address_of(&format!("{name}."), cluster.dns()).await?;
    wait_for_rules(address).await?;
    say!("");
    say!("  service      {SERVICE} at {address}:{PORT}");
    say!("  endpoints    {}", endpoints.join(", "));
    say!(
        "  DNS          {name} is {resolved}, says {}",
        cluster.dns()
    );
    say!("");
    let answers = call_repeatedly(address, &name, cluster, calls).await?;
    summarize(&answers);
    Ok(())
}

async fn apply_example(client: &Client) -> anyhow::Result<()> {
    let mut manifests = Vec::new();
    manifest::parse(
        Path::new("examples/hostnames.yaml"),
        EXAMPLE,
        &mut manifests,
    )?;
    let connection = Connection::from_client(client.clone());
    let kinds = Kinds::load(&connection).await?;
    for manifest in &manifests {
        apply(&connection, &kinds, "default", manifest).await?;
        say!("applied {} {}", manifest.kind, manifest.name());
    }
    Ok(())
}

/// Waits until all pods are ready and gives the Service's address.
async fn wait_for_pods(client: &Client) -> anyhow::Result<IpAddr> {
    let begun = Instant::now();
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let of_example = ListParams::default().labels("app=hostnames");
    loop {
        let ready = pods
            .list(&of_example)
            .await?
            .iter()
            .filter(|pod| is_ready(pod))
            .count();
        if ready == PODS {
            say!(
                "{PODS} pods ready after {:.1} s",
                begun.elapsed().as_secs_f64()
            );
            break;
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "only {ready} of {PODS} pods became ready; see `tidegate get pods`"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let service = Api::<Service>::namespaced(client.clone(), "default")
        .get(SERVICE)
        .await?;
    let address = service
        .spec
        .and_then(|spec| spec.cluster_ip)
        .context("the Service has no cluster IP")?;
    Ok(address.parse()?)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref())
        .unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .iter()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The slices follow the pods by some milliseconds.
async fn wait_for_endpoints(client: &Client) -> anyhow::Result<Vec<String>> {
    let begun = Instant::now();
    loop {
        let found = endpoints(client).await?;
        if found.len() == PODS {
            return Ok(found);
        }
        anyhow::ensure!(
            begun.elapsed() < PATIENCE,
            "the Service has {} of {PODS} endpoints",
            found.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The kernel follows the slices, in some modes by a good part of a second.
async fn wait_for_rules(address: IpAddr) -> anyhow::Result<()> {
    let begun = Instant::now();
    while let Err(error) = TcpStream::connect((address, PORT)).await {
        if begun.elapsed() > PATIENCE {
            return Err(error).context(format!("nobody answers at {address}:{PORT}"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

async fn endpoints(client: &Client) -> anyhow::Result<Vec<String>> {
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
    let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={SERVICE}"));
    let mut found = Vec::new();
    for slice in slices.list(&of_service).await? {
        let slice = tidegate_model::EndpointSlice::from_api(&slice)
            .context("a slice of an unknown kind")?;
        for port in &slice.ports {
            let ready = slice.endpoints.iter().filter(|endpoint| endpoint.ready);
            found.extend(ready.map(|endpoint| SocketAddr::new(endpoint.ip, port.port).to_string()));
        }
    }
    found.sort();
    Ok(found)
}

/// Calls in turn by address and by name; an unanswered call fails the demo.
async fn call_repeatedly(
    address: IpAddr,
    name: &str,
    cluster: &Cluster,
    calls: usize,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut answers = BTreeMap::new();
    let forever = calls == 0;
    for number in (1..).take_while(|number| forever || *number <= calls) {
        let (target, host) = match number % 2 {
            1 => (address, address.to_string()),
            _ => (
                lookup::address_of(&format!("{name}."), cluster.dns()).await?,
                name.to_owned(),
            ),
        };
        let pod = call::call(SocketAddr::new(target, PORT), &host).await?;
        say!(
            "  call {number:>3}   http://{:<42} answered by {pod}",
            format!("{host}/")
        );
        *answers.entry(pod).or_default() += 1;
        tokio::time::sleep(Duration::from_millis(if forever { 1000 } else { 50 })).await;
    }
    Ok(answers)
}

fn summarize(answers: &BTreeMap<String, usize>) {
    let calls: usize = answers.values().sum();
    say!("");
    say!(
        "{calls} calls, all answered, by {} of {PODS} pods:",
        answers.len()
    );
    for (pod, count) in answers {
        say!("  {pod}   {count}");
    }
}
