//! How soon a change of an endpoint is seen by who asks for its name, while many others change.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::ask::Asker;
use crate::cluster::{self, Size};
use crate::cluster_writer::{AT_ONCE, Writer};
use crate::results::Freshness;
use crate::series::Series;
use crate::servers::Kind;

/// How many endpoints are to be replaced in a second, each with a write of its own.
const RATE: f64 = 1000.0;

/// How many Services change.
const CHANGING: u32 = 1000;

/// The Service that is looked at.
const PROBE: &str = "probe";

/// How long to rest between two looks, so that the looking takes little from what is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(30);

pub(super) async fn measure(
    writer: &Writer,
    size: Size,
    duration: Duration,
) -> anyhow::Result<Freshness> {
    writer.create(PROBE, true, &[probe_address(0)]).await?;
    let name = format!("{PROBE}.default.svc.cluster.local.");
    let asker = Asker::new(Kind::Tidegate.port(), &name).await?;
    asker.until(Some(probe_address(0))).await?;
    let begun = Instant::now();
    let ends = begun + duration;
    let changing = change_endpoints(writer.clone(), size, ends);
    let looking = look(writer.clone(), asker, ends);
    let (changing, looking) = (tokio::spawn(changing), tokio::spawn(looking));
    let (changes, delays) = tokio::try_join!(changing, looking)?;
    let (changes, delays) = (changes?, delays?);
    Ok(Freshness {
        changes,
        per_second: changes as f64 / begun.elapsed().as_secs_f64(),
        delays: Series(delays),
    })
}

/// Replaces one endpoint after another, paced by the clock, and gives how many.
async fn change_endpoints(writer: Writer, size: Size, ends: Instant) -> anyhow::Result<usize> {
    let begun = Instant::now();
    let due = stream::unfold(0_u32, |number| async move {
        let at = begun + Duration::from_secs_f64(f64::from(number) / RATE);
        tokio::time::sleep_until(at.into()).await;
        (Instant::now() < ends).then_some((number, number + 1))
    });
    let written = due.map(|number| {
        let writer = writer.clone();
        async move {
            let service = number % CHANGING.min(size.services);
            let mut addresses = cluster::addresses(size, service);
            if let Some(first) = addresses.first_mut() {
                *first = replacement(number);
            }
            writer.change(&cluster::name(service), &addresses).await
        }
    });
    let written: Vec<()> = written.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(written.len())
}

/// Changes the probe's endpoint again and again, and times until it is seen.
async fn look(writer: Writer, asker: Asker, ends: Instant) -> anyhow::Result<Vec<f64>> {
    let mut delays = Vec::new();
    for number in 1.. {
        if Instant::now() >= ends {
            break;
        }
        let address = probe_address(number);
        writer.change(PROBE, &[address]).await?;
        let written = Instant::now();
        asker.until(Some(address)).await?;
        delays.push(written.elapsed().as_secs_f64());
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(delays)
}

fn probe_address(number: u32) -> Ipv4Addr {
    let [.., high, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 255, high, low)
}

fn replacement(number: u32) -> Ipv4Addr {
    let [_, high, middle, low] = number.to_be_bytes();
    Ipv4Addr::new(10, 224 + high % 16, middle, low)
}
