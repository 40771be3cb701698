//! Endpoints that change a thousand times a second: the proxy keeps up, and neither it nor the API
//! server grows.
//!
//! The rate is what is aimed at; how much of it is reached depends on the machine, is printed, and
//! isn't judged. `TIDEGATE_STORM_SECONDS=60` makes the storm a minute long:
//!
//!     TIDEGATE_STORM_SECONDS=60 cargo test --release -p tidegate --test e2e storm -- --nocapture

mod api;
mod noticed;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use self::api::{client, put, put_service, slice};
use self::noticed::{Sample, median, memory, quarters, slots};
use crate::machine::Machine;
use crate::proxy::{Node, UP};
use crate::wait::until;

/// How many Services there are, each with one slice.
const SERVICES: usize = 1000;

/// How many endpoints each has.
const ENDPOINTS: usize = 3;

/// How many of them a write of the slice replaces, as a controller joins what happens together.
const REPLACED: usize = 2;

/// How many endpoints a second shall be replaced.
const RATE: f64 = 1000.0;

/// How many writes are on their way at once.
const AT_ONCE: usize = 16;

/// How long to rest between two looks at how long a change takes.
const BETWEEN_PROBES: Duration = Duration::from_millis(200);

/// The node's own address, which stands for a pod's.
const OWN: &str = "192.0.2.20";

/// Longer than anything takes on a loaded machine; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_storm_of_endpoint_changes_makes_nothing_grow() {
    let seconds = std::env::var("TIDEGATE_STORM_SECONDS").ok();
    let seconds = seconds.map_or(15, |text| text.parse().expect("a number of seconds"));
    let duration = Duration::from_secs(seconds);
    let node = Node::new();
    let up = node.cluster.up(UP);
    node.cluster.apply(
        "apiVersion: v1
kind: Node
metadata: {name: worker}
status: {addresses: [{type: InternalIP, address: 192.0.2.20}]}
",
    );
    let kubeconfig = node.kubeconfig();
    on(&node.node, create(&kubeconfig));
    let config = node.configuration("nftables");
    let text = std::fs::read_to_string(&config).expect("it was written");
    // By default it rests for a second after a change, as upstream's does, which would hide how
    // long changes take.
    let config = node
        .node
        .file("config.conf", &(text + "nftables: {minSyncPeriod: 10ms}\n"));
    let proxy = node.start(&config);
    until("the proxy has programmed all Services", || {
        match slots(&node.node) {
            found if found.len() == ENDPOINTS * SERVICES => Ok(()),
            found => Err(format!("{} slots; {}", found.len(), node.said())),
        }
    });

    let is_over = AtomicBool::new(false);
    let processes = [proxy.pid(), up.pid()];
    let (written, samples) = std::thread::scope(|scope| {
        let samples = scope.spawn(|| on(&node.node, probe(&kubeconfig, &is_over, processes)));
        let written = on(&node.node, write(&kubeconfig, duration));
        is_over.store(true, Ordering::Relaxed);
        (written, samples.join().expect("the probes end"))
    });

    let replaced = written * REPLACED;
    let rate = replaced as f64 / duration.as_secs_f64();
    eprintln!(
        "{replaced} endpoints replaced in {seconds} s by {written} writes, {rate:.0} a second; \
         by quarters of the storm:"
    );
    let quarters: Vec<(Duration, [u64; 2])> = quarters(&samples, duration)
        .iter()
        .map(|samples| median(samples))
        .collect();
    for (delay, [proxy, api]) in &quarters {
        eprintln!("  to the kernel in {delay:.1?}; proxy {proxy} KiB, API server {api} KiB");
    }
    let (first, last) = (quarters[0], quarters[3]);
    assert!(
        last.0 <= 3 * first.0 + Duration::from_millis(500),
        "changes take longer and longer: {quarters:?}"
    );
    // The first quarter fills buffers and caches, whose pages stay.
    for (then, now) in quarters[1].1.iter().zip(last.1) {
        assert!(
            now <= then + then / 4 + 16 * 1024,
            "memory grows: {quarters:?}"
        );
    }
    let wanted = last_addresses(written);
    until("the kernel has the last state", || {
        let found = slots(&node.node);
        let missing: Vec<&String> = wanted.iter().filter(|one| !found.contains(*one)).collect();
        match (missing.as_slice(), found.len()) {
            // The probe's one endpoint is there too.
            ([], count) if count == ENDPOINTS * SERVICES + 1 => Ok(()),
            (missing, count) => Err(format!("{count} slots, without {missing:?}")),
        }
    });
}

/// Runs something on a machine to its end.
fn on<T: Send>(machine: &Machine, work: impl Future<Output = T> + Send) -> T {
    machine.inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().expect("a runtime");
        runtime.block_on(work)
    })
}

/// Creates the Services.
async fn create(kubeconfig: &str) {
    let client = client(kubeconfig).await;
    let all = stream::iter(0..SERVICES).map(|number| {
        let client = client.clone();
        async move {
            let name = format!("storm-{number}");
            put_service(&client, &name).await?;
            put(
                &client,
                "POST",
                &name,
                &slice(&name, &addresses(number, None), 80),
            )
            .await
        }
    });
    let created: Result<Vec<()>, kube::Error> = all.buffer_unordered(AT_ONCE).try_collect().await;
    created.expect("they can be created");
}

/// Changes one slice after another, paced by the clock, and gives how many writes were made.
async fn write(kubeconfig: &str, duration: Duration) -> usize {
    let client = client(kubeconfig).await;
    let begun = Instant::now();
    let due = stream::unfold(0, |number| async move {
        let at = Duration::from_secs_f64((number * REPLACED) as f64 / RATE);
        let early = at.saturating_sub(begun.elapsed());
        // Even the shortest sleep takes a millisecond.
        if !early.is_zero() {
            tokio::time::sleep(early).await;
        }
        (begun.elapsed() < duration).then_some((number, number + 1))
    });
    let written = due.map(|change| {
        let client = client.clone();
        async move {
            let service = change % SERVICES;
            let name = format!("storm-{service}");
            let slice = slice(&name, &addresses(service, Some(change)), 80);
            put(&client, "PUT", &name, &slice).await
        }
    });
    let written: Result<Vec<()>, kube::Error> =
        written.buffer_unordered(AT_ONCE).try_collect().await;
    written.expect("every change is taken").len()
}

/// Switches a Service to and fro between two listeners, and looks when clients notice.
async fn probe(kubeconfig: &str, is_over: &AtomicBool, processes: [u32; 2]) -> Vec<Sample> {
    let client = client(kubeconfig).await;
    let address = put_service(&client, "probe").await.expect("it is created");
    let ports = [listen().await, listen().await];
    let first = slice("probe", &[OWN.to_owned()], ports[0]);
    put(&client, "POST", "probe", &first)
        .await
        .expect("it is created");
    until_answered(&address, ports[0]).await;
    let mut samples = Vec::new();
    let storm = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        let port = ports[(samples.len() + 1) % 2];
        let change = slice("probe", &[OWN.to_owned()], port);
        let begun = Instant::now();
        put(&client, "PUT", "probe", &change)
            .await
            .expect("it is taken");
        until_answered(&address, port).await;
        samples.push(Sample {
            at: begun - storm,
            delay: begun.elapsed(),
            memory: processes.map(memory),
        });
        tokio::time::sleep(BETWEEN_PROBES).await;
    }
    samples
}

async fn until_answered(address: &str, port: u16) {
    let begun = Instant::now();
    loop {
        if let Ok(mut stream) = TcpStream::connect((address, 80)).await
            && stream.read_u16().await.is_ok_and(|answer| answer == port)
        {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "a change never came into force");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A listener that tells every client its port.
async fn listen() -> u16 {
    let listener = TcpListener::bind((OWN, 0))
        .await
        .expect("the address is the node's");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // A client that went away has its answer already.
            let _sent = stream.write_u16(port).await;
        }
    });
    port
}

/// A Service's endpoints, the first of which are others after each change.
fn addresses(service: usize, change: Option<usize>) -> Vec<String> {
    let address = |n: usize| format!("100.{}.{}.{}", 64 + n / 62_500, n / 250 % 250, n % 250 + 1);
    let endpoint = |index: usize| match change {
        Some(change) if index < REPLACED => SERVICES * ENDPOINTS + change * REPLACED + index,
        _ => index * SERVICES + service,
    };
    (0..ENDPOINTS).map(endpoint).map(address).collect()
}

/// What the changes have left: the endpoints of each Service's last change.
fn last_addresses(written: usize) -> Vec<String> {
    let changes = written.saturating_sub(SERVICES)..written;
    changes
        .flat_map(|change| addresses(change % SERVICES, Some(change)))
        .collect()
}
