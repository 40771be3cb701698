//! The table of patch rules: the kinds that are served, and the types that they are made of.
//!
//! The rules are facts of the published API (the `x-kubernetes-patch-…` extensions of its OpenAPI
//! description). A kind that isn't listed has those of its metadata.

use super::schema::{PLAIN, PatchRule, Schema, list, map, retaining_list, retaining_map, values};

static OBJECT_META: Schema = Schema {
    definition: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
    fields: &[list("ownerReferences", "uid", &PLAIN), values("finalizers")],
};

static ANY_KIND: Schema = Schema {
    definition: "",
    fields: &[map("metadata", &OBJECT_META)],
};

static CONTAINER: Schema = Schema {
    definition: "io.k8s.api.core.v1.Container",
    fields: &[
        list("ports", "containerPort", &PLAIN),
        list("env", "name", &PLAIN),
        list("volumeMounts", "mountPath", &PLAIN),
        list("volumeDevices", "devicePath", &PLAIN),
    ],
};

static EPHEMERAL_CONTAINER: Schema = Schema {
    definition: "io.k8s.api.core.v1.EphemeralContainer",
    fields: CONTAINER.fields,
};

static POD_SPEC: Schema = Schema {
    definition: "io.k8s.api.core.v1.PodSpec",
    fields: &[
        retaining_list("volumes", "name"),
        list("initContainers", "name", &CONTAINER),
        list("containers", "name", &CONTAINER),
        list("ephemeralContainers", "name", &EPHEMERAL_CONTAINER),
        list("imagePullSecrets", "name", &PLAIN),
        list("hostAliases", "ip", &PLAIN),
        list("topologySpreadConstraints", "topologyKey", &PLAIN),
        list("schedulingGates", "name", &PLAIN),
        retaining_list("resourceClaims", "name"),
    ],
};

static POD_STATUS: Schema = Schema {
    definition: "io.k8s.api.core.v1.PodStatus",
    fields: &[
        list("conditions", "type", &PLAIN),
        list("podIPs", "ip", &PLAIN),
        list("hostIPs", "ip", &PLAIN),
        retaining_list("resourceClaimStatuses", "name"),
    ],
};

static POD: Schema = Schema {
    definition: "io.k8s.api.core.v1.Pod",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &POD_SPEC),
        map("status", &POD_STATUS),
    ],
};

static POD_TEMPLATE: Schema = Schema {
    definition: "io.k8s.api.core.v1.PodTemplateSpec",
    fields: &[map("metadata", &OBJECT_META), map("spec", &POD_SPEC)],
};

static SERVICE_SPEC: Schema = Schema {
    definition: "io.k8s.api.core.v1.ServiceSpec",
    fields: &[list("ports", "port", &PLAIN)],
};

static SERVICE_STATUS: Schema = Schema {
    definition: "io.k8s.api.core.v1.ServiceStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static SERVICE: Schema = Schema {
    definition: "io.k8s.api.core.v1.Service",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &SERVICE_SPEC),
        map("status", &SERVICE_STATUS),
    ],
};

static SERVICE_ACCOUNT: Schema = Schema {
    definition: "io.k8s.api.core.v1.ServiceAccount",
    fields: &[
        map("metadata", &OBJECT_META),
        list("secrets", "name", &PLAIN),
    ],
};

static NODE_SPEC: Schema = Schema {
    definition: "io.k8s.api.core.v1.NodeSpec",
    fields: &[values("podCIDRs")],
};

static NODE_STATUS: Schema = Schema {
    definition: "io.k8s.api.core.v1.NodeStatus",
    fields: &[
        list("conditions", "type", &PLAIN),
        list("addresses", "type", &PLAIN),
    ],
};

static NODE: Schema = Schema {
    definition: "io.k8s.api.core.v1.Node",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &NODE_SPEC),
        map("status", &NODE_STATUS),
    ],
};

static NAMESPACE_STATUS: Schema = Schema {
    definition: "io.k8s.api.core.v1.NamespaceStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static NAMESPACE: Schema = Schema {
    definition: "io.k8s.api.core.v1.Namespace",
    fields: &[
        map("metadata", &OBJECT_META),
        map("status", &NAMESPACE_STATUS),
    ],
};

static DEPLOYMENT_SPEC: Schema = Schema {
    definition: "io.k8s.api.apps.v1.DeploymentSpec",
    fields: &[
        map("template", &POD_TEMPLATE),
        retaining_map("strategy", &PLAIN),
    ],
};

static DEPLOYMENT_STATUS: Schema = Schema {
    definition: "io.k8s.api.apps.v1.DeploymentStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static DEPLOYMENT: Schema = Schema {
    definition: "io.k8s.api.apps.v1.Deployment",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &DEPLOYMENT_SPEC),
        map("status", &DEPLOYMENT_STATUS),
    ],
};

static REPLICA_SET_SPEC: Schema = Schema {
    definition: "io.k8s.api.apps.v1.ReplicaSetSpec",
    fields: &[map("template", &POD_TEMPLATE)],
};

static REPLICA_SET_STATUS: Schema = Schema {
    definition: "io.k8s.api.apps.v1.ReplicaSetStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static REPLICA_SET: Schema = Schema {
    definition: "io.k8s.api.apps.v1.ReplicaSet",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &REPLICA_SET_SPEC),
        map("status", &REPLICA_SET_STATUS),
    ],
};

static STATEFUL_SET_SPEC: Schema = Schema {
    definition: "io.k8s.api.apps.v1.StatefulSetSpec",
    fields: &[map("template", &POD_TEMPLATE)],
};

static STATEFUL_SET_STATUS: Schema = Schema {
    definition: "io.k8s.api.apps.v1.StatefulSetStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static STATEFUL_SET: Schema = Schema {
    definition: "io.k8s.api.apps.v1.StatefulSet",
    fields: &[
        map("metadata", &OBJECT_META),
        map("spec", &STATEFUL_SET_SPEC),
        map("status", &STATEFUL_SET_STATUS),
    ],
};

static SERVICE_CIDR_STATUS: Schema = Schema {
    definition: "io.k8s.api.networking.v1.ServiceCIDRStatus",
    fields: &[list("conditions", "type", &PLAIN)],
};

static SERVICE_CIDR: Schema = Schema {
    definition: "io.k8s.api.networking.v1.ServiceCIDR",
    fields: &[
        map("metadata", &OBJECT_META),
        map("status", &SERVICE_CIDR_STATUS),
    ],
};

/// The kinds with rules of their own, by group and kind.
static KINDS: &[(&str, &str, &Schema)] = &[
    ("", "Namespace", &NAMESPACE),
    ("", "Node", &NODE),
    ("", "Pod", &POD),
    ("", "Service", &SERVICE),
    ("", "ServiceAccount", &SERVICE_ACCOUNT),
    ("apps", "Deployment", &DEPLOYMENT),
    ("apps", "ReplicaSet", &REPLICA_SET),
    ("apps", "StatefulSet", &STATEFUL_SET),
    ("networking.k8s.io", "ServiceCIDR", &SERVICE_CIDR),
];

/// The patch rules of a kind; the group is empty for the core group.
pub fn kind_schema(group: &str, kind: &str) -> &'static Schema {
    let known = KINDS.iter().find(|(g, k, _)| *g == group && *k == kind);
    known.map_or(&ANY_KIND, |(_, _, schema)| schema)
}

/// The patch rule of a field of an OpenAPI definition, such as `containers` of
/// `io.k8s.api.core.v1.PodSpec`.
pub fn patch_rule(definition: &str, field: &str) -> Option<PatchRule> {
    fn find(schema: &'static Schema, definition: &str) -> Option<&'static Schema> {
        if schema.definition == definition {
            return Some(schema);
        }
        schema
            .fields
            .iter()
            .find_map(|field| find(field.schema, definition))
    }
    let mut kinds = KINDS.iter().filter(|_| !definition.is_empty());
    kinds
        .find_map(|(_, _, schema)| find(schema, definition))?
        .field(field)
        .0
}
