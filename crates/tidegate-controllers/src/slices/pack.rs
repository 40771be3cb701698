//! Distributes endpoints over slices so that as few slices as possible are written.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::TRIGGER_TIME_ANNOTATION;

/// Endpoints that serve the same ports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) ports: Vec<EndpointPort>,
    pub(crate) endpoints: Vec<Endpoint>,
}

/// What all slices of one Service and family have in common.
#[derive(Clone, Debug)]
pub(crate) struct SliceTemplate {
    pub(crate) namespace: String,
    pub(crate) name_prefix: String,
    pub(crate) address_type: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) owner: Option<OwnerReference>,
}

/// What to write. Deletions come last, so that no endpoint is missing in between.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) create: Vec<EndpointSlice>,
    pub(crate) update: Vec<EndpointSlice>,
    pub(crate) delete: Vec<Arc<EndpointSlice>>,
}

impl Changes {
    pub(crate) fn append(&mut self, mut other: Self) {
        self.create.append(&mut other.create);
        self.update.append(&mut other.update);
        self.delete.append(&mut other.delete);
    }
}

/// Packs each group into its slices.
///
/// Endpoints stay in the slice they are in. New ones go to slices that are written anyway, then
/// to the fullest slice that has room for all the rest, and only then to new slices. A slice
/// that nobody needs is reused for another group before one is deleted and one created. Slices
/// are never merged just because they could be: every write wakes every reader.
pub(crate) fn pack(
    groups: Vec<Group>,
    existing: &[&Arc<EndpointSlice>],
    template: &SliceTemplate,
    max_endpoints: usize,
    triggered: Option<Timestamp>,
) -> Changes {
    let max_endpoints = max_endpoints.max(1);
    let mut spare: Vec<&Arc<EndpointSlice>> = (existing.iter().copied())
        .filter(|slice| slice.metadata.deletion_timestamp.is_none())
        .collect();
    let mut drafts = Vec::new();
    let mut homeless = Vec::new();
    for group in groups {
        let (own, others) = spare
            .into_iter()
            .partition(|slice| serves(slice, &group.ports));
        spare = others;
        let placed = place(group, own, max_endpoints);
        spare.extend(placed.emptied);
        drafts.extend(placed.drafts);
        homeless.extend(placed.homeless);
    }
    for (ports, endpoints) in homeless {
        drafts.push(Draft {
            origin: spare.pop(),
            ports,
            endpoints,
        });
    }
    let mut changes = Changes {
        delete: spare.into_iter().cloned().collect(),
        ..Changes::default()
    };
    for draft in drafts {
        draft.write(template, triggered, &mut changes);
    }
    changes
}

/// A slice as it should be, and the one it is made from.
struct Draft<'a> {
    origin: Option<&'a Arc<EndpointSlice>>,
    ports: Vec<EndpointPort>,
    endpoints: Vec<Endpoint>,
}

struct Placed<'a> {
    drafts: Vec<Draft<'a>>,
    /// Slices that lost their last endpoint.
    emptied: Vec<&'a Arc<EndpointSlice>>,
    /// Contents for slices that don't exist yet.
    homeless: Vec<(Vec<EndpointPort>, Vec<Endpoint>)>,
}

fn place<'a>(group: Group, own: Vec<&'a Arc<EndpointSlice>>, max: usize) -> Placed<'a> {
    let Group { ports, endpoints } = group;
    let mut rest: BTreeMap<_, _> = (endpoints.into_iter())
        .map(|endpoint| (identity(&endpoint), endpoint))
        .collect();
    let mut drafts = Vec::new();
    for slice in own {
        let present = slice.endpoints.as_deref().unwrap_or_default();
        let kept = present.iter().filter_map(|old| rest.remove(&identity(old)));
        let endpoints: Vec<_> = kept.take(max).collect();
        let touched = endpoints != present;
        let draft = Draft {
            origin: Some(slice),
            ports: ports.clone(),
            endpoints,
        };
        drafts.push((touched, draft));
    }
    let mut rest: Vec<Endpoint> = rest.into_values().collect();
    // Fullest first: sparse slices get the chance to run empty.
    drafts.sort_by_key(|(_, draft)| std::cmp::Reverse(draft.endpoints.len()));
    for (_, draft) in drafts.iter_mut().filter(|(touched, _)| *touched) {
        let room = rest.len().min(max - draft.endpoints.len().min(max));
        draft.endpoints.extend(rest.drain(..room));
    }
    let overflow = rest.len() % max;
    let roomy = drafts
        .iter_mut()
        .find(|(_, draft)| overflow > 0 && draft.endpoints.len() + overflow <= max);
    if let Some((_, draft)) = roomy {
        draft.endpoints.extend(rest.drain(..overflow));
    }
    let mut homeless: Vec<_> = rest
        .chunks(max)
        .map(|chunk| (ports.clone(), chunk.to_vec()))
        .collect();
    let (mut drafts, mut empty): (Vec<_>, Vec<_>) =
        (drafts.into_iter().map(|(_, draft)| draft)).partition(|draft| !draft.endpoints.is_empty());
    if drafts.is_empty() && homeless.is_empty() {
        match empty.pop() {
            Some(placeholder) => drafts.push(placeholder),
            None => homeless.push((ports, Vec::new())),
        }
    }
    let emptied = empty.into_iter().filter_map(|draft| draft.origin).collect();
    Placed {
        drafts,
        emptied,
        homeless,
    }
}

impl Draft<'_> {
    fn write(self, template: &SliceTemplate, triggered: Option<Timestamp>, to: &mut Changes) {
        let stamp = || {
            let time = triggered?.to_string();
            Some((TRIGGER_TIME_ANNOTATION.to_owned(), time))
        };
        let Some(origin) = self.origin else {
            to.create.push(EndpointSlice {
                metadata: ObjectMeta {
                    namespace: Some(template.namespace.clone()),
                    generate_name: Some(template.name_prefix.clone()),
                    labels: Some(template.labels.clone()),
                    annotations: Some(
                        template
                            .annotations
                            .clone()
                            .into_iter()
                            .chain(stamp())
                            .collect(),
                    ),
                    owner_references: template.owner.clone().map(|owner| vec![owner]),
                    ..ObjectMeta::default()
                },
                address_type: template.address_type.clone(),
                endpoints: Some(self.endpoints),
                ports: Some(self.ports),
            });
            return;
        };
        let mut known_annotations = origin.metadata.annotations.clone().unwrap_or_default();
        known_annotations.remove(TRIGGER_TIME_ANNOTATION);
        let same = origin.endpoints.as_deref().unwrap_or_default() == self.endpoints
            && serves(origin, &self.ports)
            && origin.metadata.labels.as_ref() == Some(&template.labels)
            && known_annotations == template.annotations;
        if same {
            return;
        }
        let mut slice = EndpointSlice::clone(origin);
        slice.metadata.labels = Some(template.labels.clone());
        slice.metadata.annotations = Some(
            template
                .annotations
                .clone()
                .into_iter()
                .chain(stamp())
                .collect(),
        );
        slice.endpoints = Some(self.endpoints);
        slice.ports = Some(self.ports);
        to.update.push(slice);
    }
}

fn serves(slice: &EndpointSlice, ports: &[EndpointPort]) -> bool {
    slice.ports.as_deref().unwrap_or_default() == ports
}

/// Who an endpoint is while its condition changes: two pods may share their node's address, and
/// a pod that comes back under the same name may have another.
fn identity(endpoint: &Endpoint) -> (String, String) {
    let address = endpoint.addresses.first().cloned().unwrap_or_default();
    let target = endpoint.target_ref.as_ref();
    let target = target.and_then(|target| target.uid.clone().or_else(|| target.name.clone()));
    (address, target.unwrap_or_default())
}
