//! The table of messages: field numbers of the published API, as far as kubectl's commands go.

/// A message type.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) value: Type,
    /// Whether a zero was really meant.
    pub(super) pointer: bool,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    Text,
    Number,
    Boolean,
    Bytes,
    Time,
    IntOrString,
    Quantity,
    Message(&'static Message),
    List(&'static Type),
    Map(&'static Type),
}

/// The message of a kind.
pub(super) fn kind(api_version: &str, kind: &str) -> Option<&'static Message> {
    Some(match (api_version, kind) {
        ("v1", "Namespace") => &NAMESPACE,
        ("v1", "ConfigMap") => &CONFIG_MAP,
        ("v1", "Secret") => &SECRET,
        ("v1", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("v1", "Service") => &SERVICE,
        ("apps/v1", "Deployment") => &DEPLOYMENT,
        ("policy/v1", "Eviction") => &EVICTION,
        (_, "DeleteOptions") => &DELETE_OPTIONS,
        _ => return None,
    })
}

const fn field(number: u32, name: &'static str, value: Type) -> Field {
    Field {
        number,
        name,
        value,
        pointer: false,
    }
}

const fn pointer(number: u32, name: &'static str, value: Type) -> Field {
    Field {
        number,
        name,
        value,
        pointer: true,
    }
}

const fn texts(number: u32, name: &'static str) -> Field {
    field(number, name, Type::List(&Type::Text))
}

const fn text(number: u32, name: &'static str) -> Field {
    field(number, name, Type::Text)
}

const fn labels(number: u32, name: &'static str) -> Field {
    field(number, name, Type::Map(&Type::Text))
}

/// The envelope of every object.
pub(super) static UNKNOWN: Message = Message {
    name: "Unknown",
    fields: &[
        field(1, "typeMeta", Type::Message(&TYPE_META)),
        pointer(2, "raw", Type::Bytes),
        text(3, "contentEncoding"),
        text(4, "contentType"),
    ],
};

static TYPE_META: Message = Message {
    name: "TypeMeta",
    fields: &[text(1, "apiVersion"), text(2, "kind")],
};

const METADATA: Field = field(1, "metadata", Type::Message(&OBJECT_META));

static OBJECT_META: Message = Message {
    name: "ObjectMeta",
    fields: &[
        text(1, "name"),
        text(2, "generateName"),
        text(3, "namespace"),
        text(4, "selfLink"),
        text(5, "uid"),
        text(6, "resourceVersion"),
        field(7, "generation", Type::Number),
        field(8, "creationTimestamp", Type::Time),
        field(9, "deletionTimestamp", Type::Time),
        pointer(10, "deletionGracePeriodSeconds", Type::Number),
        labels(11, "labels"),
        labels(12, "annotations"),
        field(
            13,
            "ownerReferences",
            Type::List(&Type::Message(&OWNER_REFERENCE)),
        ),
        texts(14, "finalizers"),
    ],
};

static OWNER_REFERENCE: Message = Message {
    name: "OwnerReference",
    fields: &[
        text(1, "kind"),
        text(3, "name"),
        text(4, "uid"),
        text(5, "apiVersion"),
        pointer(6, "controller", Type::Boolean),
        pointer(7, "blockOwnerDeletion", Type::Boolean),
    ],
};

static NAMESPACE: Message = Message {
    name: "Namespace",
    fields: &[
        METADATA,
        field(2, "spec", Type::Message(&NAMESPACE_SPEC)),
        field(3, "status", Type::Message(&NAMESPACE_STATUS)),
    ],
};

static NAMESPACE_SPEC: Message = Message {
    name: "NamespaceSpec",
    fields: &[texts(1, "finalizers")],
};

static NAMESPACE_STATUS: Message = Message {
    name: "NamespaceStatus",
    fields: &[text(1, "phase")],
};

static CONFIG_MAP: Message = Message {
    name: "ConfigMap",
    fields: &[
        METADATA,
        labels(2, "data"),
        field(3, "binaryData", Type::Map(&Type::Bytes)),
        pointer(4, "immutable", Type::Boolean),
    ],
};

static SECRET: Message = Message {
    name: "Secret",
    fields: &[
        METADATA,
        field(2, "data", Type::Map(&Type::Bytes)),
        text(3, "type"),
        labels(4, "stringData"),
        pointer(5, "immutable", Type::Boolean),
    ],
};

static SERVICE_ACCOUNT: Message = Message {
    name: "ServiceAccount",
    fields: &[
        METADATA,
        pointer(4, "automountServiceAccountToken", Type::Boolean),
    ],
};

static SERVICE: Message = Message {
    name: "Service",
    fields: &[
        METADATA,
        field(2, "spec", Type::Message(&SERVICE_SPEC)),
        field(3, "status", Type::Message(&SERVICE_STATUS)),
    ],
};

static SERVICE_SPEC: Message = Message {
    name: "ServiceSpec",
    fields: &[
        field(1, "ports", Type::List(&Type::Message(&SERVICE_PORT))),
        labels(2, "selector"),
        text(3, "clusterIP"),
        text(4, "type"),
        texts(5, "externalIPs"),
        text(7, "sessionAffinity"),
        text(8, "loadBalancerIP"),
        texts(9, "loadBalancerSourceRanges"),
        text(10, "externalName"),
        text(11, "externalTrafficPolicy"),
        field(12, "healthCheckNodePort", Type::Number),
        field(13, "publishNotReadyAddresses", Type::Boolean),
        pointer(17, "ipFamilyPolicy", Type::Text),
        texts(18, "clusterIPs"),
        texts(19, "ipFamilies"),
        pointer(20, "allocateLoadBalancerNodePorts", Type::Boolean),
        pointer(21, "loadBalancerClass", Type::Text),
        pointer(22, "internalTrafficPolicy", Type::Text),
        pointer(23, "trafficDistribution", Type::Text),
    ],
};

static SERVICE_PORT: Message = Message {
    name: "ServicePort",
    fields: &[
        text(1, "name"),
        text(2, "protocol"),
        field(3, "port", Type::Number),
        field(4, "targetPort", Type::IntOrString),
        field(5, "nodePort", Type::Number),
        pointer(6, "appProtocol", Type::Text),
    ],
};

/// A new Service has none; only its empty form is understood.
static SERVICE_STATUS: Message = Message {
    name: "ServiceStatus",
    fields: &[field(
        1,
        "loadBalancer",
        Type::Message(&LOAD_BALANCER_STATUS),
    )],
};

static LOAD_BALANCER_STATUS: Message = Message {
    name: "LoadBalancerStatus",
    fields: &[],
};

static DEPLOYMENT: Message = Message {
    name: "Deployment",
    fields: &[
        METADATA,
        field(2, "spec", Type::Message(&DEPLOYMENT_SPEC)),
        field(3, "status", Type::Message(&DEPLOYMENT_STATUS)),
    ],
};

static DEPLOYMENT_SPEC: Message = Message {
    name: "DeploymentSpec",
    fields: &[
        pointer(1, "replicas", Type::Number),
        field(2, "selector", Type::Message(&LABEL_SELECTOR)),
        field(3, "template", Type::Message(&POD_TEMPLATE)),
        field(4, "strategy", Type::Message(&DEPLOYMENT_STRATEGY)),
        field(5, "minReadySeconds", Type::Number),
        pointer(6, "revisionHistoryLimit", Type::Number),
        field(7, "paused", Type::Boolean),
        pointer(9, "progressDeadlineSeconds", Type::Number),
    ],
};

static DEPLOYMENT_STRATEGY: Message = Message {
    name: "DeploymentStrategy",
    fields: &[
        text(1, "type"),
        field(2, "rollingUpdate", Type::Message(&ROLLING_UPDATE)),
    ],
};

static ROLLING_UPDATE: Message = Message {
    name: "RollingUpdateDeployment",
    fields: &[
        pointer(1, "maxUnavailable", Type::IntOrString),
        pointer(2, "maxSurge", Type::IntOrString),
    ],
};

/// A new Deployment has none: only counts, which are all 0, are understood.
static DEPLOYMENT_STATUS: Message = Message {
    name: "DeploymentStatus",
    fields: &[
        field(1, "observedGeneration", Type::Number),
        field(2, "replicas", Type::Number),
        field(3, "updatedReplicas", Type::Number),
        field(4, "availableReplicas", Type::Number),
        field(5, "unavailableReplicas", Type::Number),
        field(7, "readyReplicas", Type::Number),
    ],
};

static LABEL_SELECTOR: Message = Message {
    name: "LabelSelector",
    fields: &[
        labels(1, "matchLabels"),
        field(
            2,
            "matchExpressions",
            Type::List(&Type::Message(&LABEL_REQUIREMENT)),
        ),
    ],
};

static LABEL_REQUIREMENT: Message = Message {
    name: "LabelSelectorRequirement",
    fields: &[text(1, "key"), text(2, "operator"), texts(3, "values")],
};

static POD_TEMPLATE: Message = Message {
    name: "PodTemplateSpec",
    fields: &[METADATA, field(2, "spec", Type::Message(&POD_SPEC))],
};

static POD_SPEC: Message = Message {
    name: "PodSpec",
    fields: &[
        field(2, "containers", Type::List(&Type::Message(&CONTAINER))),
        text(3, "restartPolicy"),
        pointer(4, "terminationGracePeriodSeconds", Type::Number),
        pointer(5, "activeDeadlineSeconds", Type::Number),
        text(6, "dnsPolicy"),
        labels(7, "nodeSelector"),
        text(8, "serviceAccountName"),
        text(9, "serviceAccount"),
        text(10, "nodeName"),
        field(11, "hostNetwork", Type::Boolean),
        field(12, "hostPID", Type::Boolean),
        field(13, "hostIPC", Type::Boolean),
        text(16, "hostname"),
        text(17, "subdomain"),
        text(19, "schedulerName"),
        field(20, "initContainers", Type::List(&Type::Message(&CONTAINER))),
        pointer(21, "automountServiceAccountToken", Type::Boolean),
        text(24, "priorityClassName"),
        pointer(27, "shareProcessNamespace", Type::Boolean),
        pointer(30, "enableServiceLinks", Type::Boolean),
    ],
};

static CONTAINER: Message = Message {
    name: "Container",
    fields: &[
        text(1, "name"),
        text(2, "image"),
        texts(3, "command"),
        texts(4, "args"),
        text(5, "workingDir"),
        field(6, "ports", Type::List(&Type::Message(&CONTAINER_PORT))),
        field(7, "env", Type::List(&Type::Message(&ENV_VAR))),
        field(8, "resources", Type::Message(&RESOURCES)),
        text(13, "terminationMessagePath"),
        text(14, "imagePullPolicy"),
        field(16, "stdin", Type::Boolean),
        field(17, "stdinOnce", Type::Boolean),
        field(18, "tty", Type::Boolean),
        text(20, "terminationMessagePolicy"),
    ],
};

static CONTAINER_PORT: Message = Message {
    name: "ContainerPort",
    fields: &[
        text(1, "name"),
        field(2, "hostPort", Type::Number),
        field(3, "containerPort", Type::Number),
        text(4, "protocol"),
        text(5, "hostIP"),
    ],
};

static ENV_VAR: Message = Message {
    name: "EnvVar",
    fields: &[text(1, "name"), text(2, "value")],
};

static RESOURCES: Message = Message {
    name: "ResourceRequirements",
    fields: &[
        field(1, "limits", Type::Map(&Type::Quantity)),
        field(2, "requests", Type::Map(&Type::Quantity)),
    ],
};

static EVICTION: Message = Message {
    name: "Eviction",
    fields: &[
        METADATA,
        field(2, "deleteOptions", Type::Message(&DELETE_OPTIONS)),
    ],
};

static DELETE_OPTIONS: Message = Message {
    name: "DeleteOptions",
    fields: &[
        pointer(1, "gracePeriodSeconds", Type::Number),
        field(2, "preconditions", Type::Message(&PRECONDITIONS)),
        pointer(3, "orphanDependents", Type::Boolean),
        pointer(4, "propagationPolicy", Type::Text),
        texts(5, "dryRun"),
    ],
};

static PRECONDITIONS: Message = Message {
    name: "Preconditions",
    fields: &[
        pointer(1, "uid", Type::Text),
        pointer(2, "resourceVersion", Type::Text),
    ],
};
