//! The table of kinds.

use k8s_openapi::api::{
    apps::v1::{ControllerRevision, Deployment, ReplicaSet, StatefulSet},
    coordination::v1::Lease,
    core::v1::{
        ConfigMap, Endpoints, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount,
    },
    discovery::v1::EndpointSlice,
    events::v1::Event as GroupedEvent,
    networking::v1::{IPAddress, ServiceCIDR},
};
use tidegate_model::objects::{
    config_maps, controller_revisions, deployments, endpoint_slices, endpoints, events, leases,
    namespaces, nodes, pods, replica_sets, stateful_sets,
};

use super::{
    Deletion, Kind, StatusRule,
    events::EVENTS_GROUP,
    metadata_rules::{named_as_subdomain, named_freely},
    rules::TypedRules,
    secrets,
};
use crate::services::ServiceRules;

/// Every kind, in the order of discovery: core first, then by group.
pub(super) fn catalogue() -> Vec<Kind> {
    let mut all = core();
    all.extend(workloads());
    all.extend(networking());
    all.push(Kind::new(TypedRules::<Lease> {
        create: |lease| leases::validate_create(lease),
        update: |old, new| leases::validate_update(old, new),
        ..TypedRules::default()
    }));
    all.push(
        Kind::new(named_freely::<GroupedEvent>())
            .short(&["ev"])
            .selectable(&["reason", "type", "regarding.kind", "regarding.name"])
            .view_of("core/events", EVENTS_GROUP),
    );
    all
}

fn core() -> Vec<Kind> {
    let mut all = vec![namespace(), node(), pod()];
    all.push(
        Kind::with_rules::<Service>(Box::new(ServiceRules))
            .short(&["svc"])
            .in_all()
            .status(StatusRule::Subresource)
            .selectable(&["spec.clusterIP", "spec.type"]),
    );
    all.push(
        Kind::new(TypedRules::<Endpoints> {
            default: endpoints::defaults,
            create: |object| endpoints::validate_create(object),
            update: |old, new| endpoints::validate_update(old, new),
            ..TypedRules::default()
        })
        .short(&["ep"]),
    );
    all.push(event());
    all.push(
        Kind::new(TypedRules::<ConfigMap> {
            create: |map| config_maps::validate_create(map),
            update: |old, new| config_maps::validate_update(old, new),
            ..TypedRules::default()
        })
        .short(&["cm"]),
    );
    all.push(
        Kind::new(TypedRules {
            default: secrets::default,
            ..named_as_subdomain::<Secret>()
        })
        .selectable(&["type"]),
    );
    all.push(Kind::new(named_as_subdomain::<ServiceAccount>()).short(&["sa"]));
    all
}

fn namespace() -> Kind {
    Kind::new(TypedRules::<Namespace> {
        default: namespaces::defaults,
        create: |namespace| {
            namespaces::defaults(namespace);
            namespaces::prepare_for_create(namespace);
            namespaces::validate_create(namespace)
        },
        update: |old, new| namespaces::validate_update(old, new),
        ..TypedRules::default()
    })
    .short(&["ns"])
    .status(StatusRule::Subresource)
    .deletion(Deletion::Namespace)
    .selectable(&["status.phase"])
}

fn node() -> Kind {
    Kind::new(TypedRules::<Node> {
        create: |node| nodes::validate_create(node),
        update: |old, new| nodes::validate_update(old, new),
        ..TypedRules::default()
    })
    .short(&["no"])
    .status(StatusRule::SubresourceKeptOnCreate)
    .selectable(&["spec.unschedulable"])
}

fn pod() -> Kind {
    Kind::new(TypedRules::<Pod> {
        default: pods::defaults,
        create: |pod| {
            pods::prepare_for_create(pod);
            pods::validate_create(pod)
        },
        update: |old, new| pods::validate_update(old, new),
        ..TypedRules::default()
    })
    .short(&["po"])
    .in_all()
    .status(StatusRule::Subresource)
    .generations()
    .deletion(Deletion::PodGrace)
    .selectable(&[
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ])
}

fn event() -> Kind {
    Kind::new(TypedRules::<Event> {
        create: |event| events::validate(event),
        update: |_, event| events::validate(event),
        ..TypedRules::default()
    })
    .short(&["ev"])
    .selectable(&[
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ])
}

fn workloads() -> Vec<Kind> {
    let deployment = Kind::new(TypedRules::<Deployment> {
        default: deployments::defaults,
        create: |deployment| deployments::validate_create(deployment),
        update: |old, new| deployments::validate_update(old, new),
        ..TypedRules::default()
    });
    let replica_set = Kind::new(TypedRules::<ReplicaSet> {
        default: replica_sets::defaults,
        create: |replica_set| replica_sets::validate_create(replica_set),
        update: |old, new| replica_sets::validate_update(old, new),
        ..TypedRules::default()
    });
    let stateful_set = Kind::new(TypedRules::<StatefulSet> {
        default: stateful_sets::defaults,
        create: |stateful_set| stateful_sets::validate_create(stateful_set),
        update: |old, new| stateful_sets::validate_update(old, new),
        ..TypedRules::default()
    });
    let controller_revision = Kind::new(TypedRules::<ControllerRevision> {
        create: |revision| controller_revisions::validate_create(revision),
        update: |old, new| controller_revisions::validate_update(old, new),
        ..TypedRules::default()
    });
    vec![
        controller_revision,
        workload(deployment).short(&["deploy"]),
        workload(replica_set)
            .short(&["rs"])
            .selectable(&["status.replicas"]),
        workload(stateful_set).short(&["sts"]),
    ]
}

fn workload(kind: Kind) -> Kind {
    kind.in_all()
        .status(StatusRule::Subresource)
        .generations()
        .scale()
}

fn networking() -> Vec<Kind> {
    vec![
        Kind::new(TypedRules::<EndpointSlice> {
            default: endpoint_slices::defaults,
            create: |slice| endpoint_slices::validate_create(slice),
            update: |old, new| endpoint_slices::validate_update(old, new),
            ..TypedRules::default()
        })
        .generations(),
        Kind::new(named_freely::<IPAddress>())
            .short(&["ip"])
            .deletion(Deletion::ServiceAddress)
            .selectable(&["spec.parentRef.namespace", "spec.parentRef.name"]),
        Kind::new(named_as_subdomain::<ServiceCIDR>()).status(StatusRule::SubresourceKeptOnCreate),
    ]
}
