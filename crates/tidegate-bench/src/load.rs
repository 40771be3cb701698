//! Many writes, and many Services.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};

use crate::machine::Machine;
use crate::report::Report;

/// How many clients write at one time.
const CLIENTS: usize = 64;
const CHANGES: usize = 50;

pub(crate) async fn measure(
    client: &Client,
    machine: &Machine,
    services: usize,
    endpoints: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    writes(client, 1, 500, report).await?;
    writes(client, CLIENTS, 10_000, report).await?;

    let begun = Instant::now();
    let api: Api<Service> = Api::namespaced(client.clone(), "default");
    create_all(&api, services, CLIENTS, |number| {
        json!({"metadata": {"name": format!("load-{number}")}, "spec": {"ports": [{"port": 80}]}})
    })
    .await?;
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
    create_all(&slices, services, CLIENTS, |number| {
        slice(
            &format!("load-{number}"),
            &addresses(number, endpoints),
            9376,
        )
    })
    .await?;
    let name = |what: &str| format!("{services} Services × {endpoints} endpoints: {what}");
    report.time(&name("created through the API"), begun.elapsed());

    let switch = Switch::new(client).await?;
    report.spread(
        &name("one endpoint change, sent to in force"),
        switch.delays().await?,
    );
    report.memory(&name("memory of `tidegate up`"), machine.memory()?);
    let begun = Instant::now();
    api.list(&ListParams::default()).await?;
    report.time(&name("listing all Services"), begun.elapsed());
    Ok(())
}

async fn writes(
    client: &Client,
    clients: usize,
    count: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let api: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let begun = Instant::now();
    create_all(&api, count, clients, |number| json!({"metadata": {"name": format!("write-{clients}-{number}")}, "data": {"key": "value"}})).await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    report.figure(
        &format!("API writes a second, {clients} at a time"),
        rate,
        "/s",
    );
    Ok(())
}

async fn create_all<K>(
    api: &Api<K>,
    count: usize,
    clients: usize,
    object: impl Fn(usize) -> Value,
) -> anyhow::Result<()>
where
    K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    stream::iter(0..count)
        .map(|number| {
            let object = serde_json::from_value(object(number));
            async move {
                anyhow::Ok(
                    api.create(&PostParams::default(), &object?)
                        .await
                        .map(drop)?,
                )
            }
        })
        .buffer_unordered(clients)
        .try_collect()
        .await
}

fn slice(service: &str, addresses: &[String], port: u16) -> Value {
    json!({
        "metadata": {"name": service, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4", "ports": [{"port": port, "protocol": "TCP"}],
        "endpoints": addresses.iter().map(|address| json!({"addresses": [address], "conditions": {"ready": true}})).collect::<Vec<_>>(),
    })
}

/// Addresses that no two Services share, in a range that nobody has.
fn addresses(service: usize, count: usize) -> Vec<String> {
    let number = |index: usize| service * count + index;
    (0..count)
        .map(number)
        .map(|n| format!("100.{}.{}.{}", 64 + n / 62_500, n / 250 % 250, n % 250 + 1))
        .collect()
}

/// A Service whose single endpoint is switched between two listeners that tell which they are.
struct Switch {
    slices: Api<EndpointSlice>,
    address: String,
    ports: [u16; 2],
}

impl Switch {
    async fn new(client: &Client) -> anyhow::Result<Self> {
        let ports = [serve().await?, serve().await?];
        let services: Api<Service> = Api::namespaced(client.clone(), "default");
        let service = json!({"metadata": {"name": "switch"}, "spec": {"ports": [{"port": 80}]}});
        let created = services
            .create(&PostParams::default(), &serde_json::from_value(service)?)
            .await?;
        let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), "default");
        let first = slice("switch", &[OWN.to_owned()], ports[0]);
        slices
            .create(&PostParams::default(), &serde_json::from_value(first)?)
            .await?;
        let address = created
            .spec
            .and_then(|spec| spec.cluster_ip)
            .context("the Service has an address")?;
        let switch = Self {
            slices,
            address,
            ports,
        };
        switch.until_answered_by(ports[0]).await?;
        Ok(switch)
    }

    /// Switches to and fro; the time from sending each change to the first answer by the new one.
    async fn delays(&self) -> anyhow::Result<Vec<Duration>> {
        let mut delays = Vec::new();
        for change in 1..=CHANGES {
            let port = self.ports[change % 2];
            let object: EndpointSlice =
                serde_json::from_value(slice("switch", &[OWN.to_owned()], port))?;
            let begun = Instant::now();
            let parameters = PostParams::default();
            let (written, answered) = tokio::join!(
                self.slices.replace("switch", &parameters, &object),
                self.until_answered_by(port)
            );
            written?;
            answered?;
            delays.push(begun.elapsed());
        }
        Ok(delays)
    }

    async fn until_answered_by(&self, port: u16) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if let Ok(mut stream) = TcpStream::connect((self.address.as_str(), 80)).await
                && stream.read_u16().await.is_ok_and(|answer| answer == port)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        bail!("the change never came into force")
    }
}

/// The namespace's own address, which stands for a pod's.
const OWN: &str = "192.0.2.10";

/// A listener that tells every client its port.
async fn serve() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(SocketAddr::new(OWN.parse()?, 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A client that went away has its answer already.
            let _sent = tokio::io::AsyncWriteExt::write_u16(&mut stream, port).await;
        }
    });
    Ok(port)
}
