//! The ranges that an API gives cluster IPs from.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use ipnet::IpNet;
use k8s_openapi::api::networking::v1::ServiceCIDR;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Follows the ServiceCIDRs of an API until `shutdown`: all their ranges in order, each once, or
/// `None` until the first list is complete (for ever, if the API has no such kind).
pub fn follow_service_cidrs(
    client: &Client,
    shutdown: CancellationToken,
) -> watch::Receiver<Option<Vec<IpNet>>> {
    let (ranges, receiver) = watch::channel(None);
    let following = follow(Api::all(client.clone()), ranges);
    tokio::spawn(async move { shutdown.run_until_cancelled(following).await });
    receiver
}

async fn follow(api: Api<ServiceCIDR>, ranges: watch::Sender<Option<Vec<IpNet>>>) {
    let mut events = std::pin::pin!(watcher(api, Config::default()).default_backoff());
    let mut known: BTreeMap<String, Vec<IpNet>> = BTreeMap::new();
    let mut listing = true;
    loop {
        match events.try_next().await {
            Ok(Some(Event::Init)) => {
                known.clear();
                listing = true;
            }
            Ok(Some(Event::InitDone)) => listing = false,
            Ok(Some(Event::InitApply(object) | Event::Apply(object))) => {
                let (name, ranges) = named_ranges(&object);
                known.insert(name, ranges);
            }
            Ok(Some(Event::Delete(object))) => {
                known.remove(&named_ranges(&object).0);
            }
            Ok(None) => return,
            Err(kube::runtime::watcher::Error::InitialListFailed(kube::Error::Api(answer)))
                if answer.is_not_found() =>
            {
                tracing::debug!("the API has no ServiceCIDRs");
            }
            Err(error) => {
                tracing::warn!(kind = "ServiceCIDR", %error, "the watch was cut; keeping the last known state, trying again");
            }
        }
        if !listing {
            publish(&known, &ranges);
        }
    }
}

fn named_ranges(object: &ServiceCIDR) -> (String, Vec<IpNet>) {
    let cidrs = object.spec.as_ref().and_then(|spec| spec.cidrs.as_deref());
    let ranges = cidrs.unwrap_or_default().iter();
    (
        object.metadata.name.clone().unwrap_or_default(),
        ranges.filter_map(|range| range.parse().ok()).collect(),
    )
}

fn publish(known: &BTreeMap<String, Vec<IpNet>>, ranges: &watch::Sender<Option<Vec<IpNet>>>) {
    let mut all: Vec<IpNet> = known.values().flatten().copied().collect();
    all.sort_unstable();
    all.dedup();
    ranges.send_if_modified(|before| {
        let differs = before.as_ref() != Some(&all);
        *before = Some(all);
        differs
    });
}
