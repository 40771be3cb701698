//! The zone itself, without a server.

use std::net::IpAddr;

use tidegate_dns_schema::Objects;
use tidegate_dns_wire::{Query, Reply, Transport};
use tidegate_model::{EndpointSlice, Service};
use tidegate_zone::{Outcome, ServiceEntry, ZoneIndex, ZoneSettings, answer};

use crate::scene::Scene;

/// A scene's objects as the zone holds them.
pub(crate) fn index(scene: &Scene) -> ZoneIndex {
    let objects = &scene.table.cluster.objects();
    let index = ZoneIndex::default();
    index.set_namespaces(objects.namespaces.iter().copied());
    let slices: Vec<EndpointSlice> = slices(objects).collect();
    for service in services(objects) {
        let its = slices.iter().filter(|slice| slice.service == service.key);
        index.set(&service.key, ServiceEntry::new(&service, its, scene.labels));
    }
    for (namespace, _, address) in &objects.pods {
        index.add_pod(namespace, parsed(address));
    }
    if scene.table.is_synced {
        index.publish(1_700_000_000);
    }
    index
}

/// The zone's reply; `None` where it leaves the rest to others.
pub(crate) fn ask(
    settings: &ZoneSettings,
    index: &ZoneIndex,
    packet: &[u8],
    transport: Transport,
) -> Option<Vec<u8>> {
    let query = Query::read(packet, transport).expect("a question");
    let mut out = Vec::new();
    let mut reply = Reply::to(&query, &mut out);
    let outcome = answer(settings, index, &query, 0, &mut reply);
    reply.finish();
    matches!(outcome, Outcome::Answered).then_some(out)
}

/// The Services of some objects.
pub(crate) fn services(objects: &Objects) -> impl Iterator<Item = Service> {
    objects.services.iter().map(|object| {
        let object = serde_json::from_value(object.clone()).expect("a Service");
        Service::from_api(&object).expect("a name")
    })
}

/// The slices of some objects.
pub(crate) fn slices(objects: &Objects) -> impl Iterator<Item = EndpointSlice> {
    objects.slices.iter().map(|object| {
        let object = serde_json::from_value(object.clone()).expect("an EndpointSlice");
        EndpointSlice::from_api(&object).expect("a slice of a Service")
    })
}

pub(crate) fn parsed(address: &str) -> IpAddr {
    address.parse().expect("an address")
}
