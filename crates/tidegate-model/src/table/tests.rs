//! What `kubectl get` shows, row by row.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::printer;

const CREATED: &str = "2026-01-01T00:00:00Z";

fn now() -> Timestamp {
    "2026-01-01T00:05:00Z".parse().expect("a time")
}

/// The cells of an object that is five minutes old, `|` between them.
fn row(group: &str, kind: &str, object: Value) -> String {
    let mut object = object;
    object["metadata"]["creationTimestamp"] = json!(CREATED);
    let printer = printer(group, kind);
    let cells = printer.cells(&object, now());
    assert_eq!(
        cells.len(),
        printer.columns.len(),
        "a cell for each column of {kind}"
    );
    let shown = cells.iter().map(|cell| match cell {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    shown.collect::<Vec<_>>().join("|")
}

fn pod(status: Value) -> Value {
    json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a"}, {"name": "b"}], "nodeName": "n"},
        "status": status,
    })
}

fn pod_status(object: Value) -> String {
    row("", "Pod", object)
        .split('|')
        .skip(1)
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn headings_are_upstreams() {
    let headings = |group: &str, kind: &str| {
        let columns = printer(group, kind).columns.iter();
        let shown = columns.map(|column| {
            let mark = if column.priority > 0 { "+" } else { "" };
            format!("{mark}{}", column.name.to_uppercase())
        });
        shown.collect::<Vec<_>>().join("|")
    };
    assert_eq!(
        headings("", "Pod"),
        "NAME|READY|STATUS|RESTARTS|AGE|+IP|+NODE|+NOMINATED NODE|+READINESS GATES"
    );
    assert_eq!(
        headings("", "Service"),
        "NAME|TYPE|CLUSTER-IP|EXTERNAL-IP|PORT(S)|AGE|+SELECTOR"
    );
    assert_eq!(
        headings("apps", "Deployment"),
        "NAME|READY|UP-TO-DATE|AVAILABLE|AGE|+CONTAINERS|+IMAGES|+SELECTOR"
    );
    assert_eq!(
        headings("apps", "StatefulSet"),
        "NAME|READY|AGE|+CONTAINERS|+IMAGES"
    );
    assert_eq!(
        headings("apps", "ControllerRevision"),
        "NAME|CONTROLLER|REVISION|AGE"
    );
    assert_eq!(
        headings("", "Event"),
        "LAST SEEN|TYPE|REASON|OBJECT|+SUBOBJECT|+SOURCE|MESSAGE|+FIRST SEEN|+COUNT|+NAME"
    );
    assert_eq!(headings("example.com", "Thing"), "NAME|CREATED AT");
    assert_eq!(
        json!(printer("", "ConfigMap").columns[1]),
        json!({
            "name": "Data", "type": "integer", "format": "", "priority": 0,
            "description": "How many values it has.",
        })
    );
}

#[test]
fn pods_that_run() {
    let running = |name: &str, ready: bool, restarts: i64| {
        json!({
            "name": name, "ready": ready, "restartCount": restarts,
            "state": {"running": {}},
            "lastState": {"terminated": {"finishedAt": "2026-01-01T00:00:30Z"}},
        })
    };
    let status = json!({
        "phase": "Running", "podIPs": [{"ip": "10.0.0.5"}],
        "containerStatuses": [running("a", true, 2), running("b", false, 0)],
    });
    assert_eq!(
        row("", "Pod", pod(status)),
        "p|1/2|Running|2 (4m30s ago)|5m|10.0.0.5|n|<none>|<none>"
    );
    assert_eq!(
        row("", "Pod", json!({"metadata": {"name": "p"}})),
        "p|0/0||0|5m|<none>|<none>|<none>|<none>"
    );
}

#[test]
fn pods_that_do_not_run_say_why() {
    let with_state = |phase: &str, state: Value| {
        pod(json!({"phase": phase, "containerStatuses": [
            {"name": "a", "restartCount": 0, "ready": false, "state": state},
        ]}))
    };
    let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    assert_eq!(
        pod_status(with_state("Running", waiting)),
        "0/2 CrashLoopBackOff 0"
    );
    let completed = json!({"terminated": {"reason": "Completed", "exitCode": 0}});
    assert_eq!(
        pod_status(with_state("Succeeded", completed)),
        "0/2 Completed 0"
    );
    let killed = json!({"terminated": {"signal": 9}});
    assert_eq!(pod_status(with_state("Failed", killed)), "0/2 Signal:9 0");
    let failed = json!({"terminated": {"exitCode": 3}});
    assert_eq!(pod_status(with_state("Failed", failed)), "0/2 ExitCode:3 0");
    assert_eq!(
        pod_status(pod(json!({"phase": "Failed", "reason": "Evicted"}))),
        "0/2 Evicted 0"
    );
    let mut leaving = pod(json!({"phase": "Running"}));
    leaving["metadata"]["deletionTimestamp"] = json!(CREATED);
    assert_eq!(pod_status(leaving), "0/2 Terminating 0");
}

#[test]
fn a_pod_with_one_container_left_still_runs() {
    let statuses = json!([
        {"name": "a", "ready": false, "state": {"terminated": {"reason": "Completed"}}},
        {"name": "b", "ready": true, "state": {"running": {}}},
    ]);
    let ready = json!([{"type": "Ready", "status": "True"}]);
    let with = |conditions: Value| {
        pod(json!({
            "phase": "Running", "containerStatuses": statuses, "conditions": conditions,
        }))
    };
    assert_eq!(pod_status(with(ready)), "1/2 Running 0");
    assert_eq!(pod_status(with(json!([]))), "1/2 NotReady 0");
}

#[test]
fn pods_that_are_being_initialised() {
    let with_init = |statuses: Value| {
        let mut pod = pod(json!({"phase": "Pending", "initContainerStatuses": statuses}));
        pod["spec"]["initContainers"] = json!([
            {"name": "i"}, {"name": "side", "restartPolicy": "Always"},
        ]);
        pod_status(pod)
    };
    let done = json!({"name": "i", "state": {"terminated": {"exitCode": 0}}});
    assert_eq!(
        with_init(json!([{"name": "i", "state": {"running": {}}}])),
        "0/3 Init:0/2 0"
    );
    let failed = json!({"name": "i", "restartCount": 4, "state": {"terminated": {"exitCode": 1}}});
    assert_eq!(with_init(json!([failed])), "0/3 Init:ExitCode:1 4");
    let waiting = json!({"name": "i", "state": {"waiting": {"reason": "ErrImagePull"}}});
    assert_eq!(with_init(json!([waiting])), "0/3 Init:ErrImagePull 0");
    let sidecar = json!({"name": "side", "started": true, "ready": true, "restartCount": 1});
    assert_eq!(with_init(json!([done, sidecar])), "1/3 Pending 1");
}

#[test]
fn services() {
    let service = |spec: Value, status: Value| {
        row(
            "",
            "Service",
            json!({"metadata": {"name": "s"}, "spec": spec, "status": status}),
        )
    };
    let ports = json!([
        {"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"},
    ]);
    assert_eq!(
        service(
            json!({
                "type": "NodePort", "clusterIPs": ["10.96.0.9"], "ports": ports,
                "selector": {"b": "2", "a": "1"},
            }),
            json!({})
        ),
        "s|NodePort|10.96.0.9|<none>|80:30080/TCP,53/UDP|5m|a=1,b=2"
    );
    let balancer = |status: Value| {
        service(
            json!({
                "type": "LoadBalancer", "clusterIPs": ["10.96.0.9"], "externalIPs": ["192.0.2.9"],
            }),
            status,
        )
    };
    assert_eq!(
        balancer(json!({})),
        "s|LoadBalancer|10.96.0.9|192.0.2.9|<none>|5m|<none>"
    );
    assert_eq!(
        balancer(json!({"loadBalancer": {"ingress": [{"hostname": "b.x"}, {"ip": "192.0.2.1"}]}})),
        "s|LoadBalancer|10.96.0.9|192.0.2.1,b.x,192.0.2.9|<none>|5m|<none>"
    );
    let pending = json!({"type": "LoadBalancer", "clusterIP": "None"});
    assert_eq!(
        service(pending, json!({})),
        "s|LoadBalancer|None|<pending>|<none>|5m|<none>"
    );
    let alias = json!({"type": "ExternalName", "externalName": "a.b"});
    assert_eq!(
        service(alias, json!({})),
        "s|ExternalName|<none>|a.b|<none>|5m|<none>"
    );
}

#[test]
fn endpoints_and_slices() {
    let addresses: Vec<Value> = (1..=4)
        .map(|n| json!({"ip": format!("10.0.0.{n}")}))
        .collect();
    let endpoints = |subsets: Value| {
        row(
            "",
            "Endpoints",
            json!({"metadata": {"name": "e"}, "subsets": subsets}),
        )
    };
    assert_eq!(
        endpoints(json!([{"addresses": addresses, "ports": [{"port": 80}]}])),
        "e|10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...|5m"
    );
    assert_eq!(
        endpoints(json!([{"addresses": [{"ip": "fd00::1"}]}])),
        "e|fd00::1|5m"
    );
    assert_eq!(
        endpoints(json!([{"addresses": [{"ip": "fd00::1"}], "ports": [{"port": 80}]}])),
        "e|[fd00::1]:80|5m"
    );
    assert_eq!(endpoints(json!([])), "e|<none>|5m");
    let slice = |extra: Value| {
        let mut slice = json!({"metadata": {"name": "e"}, "addressType": "IPv4"});
        for (field, value) in extra.as_object().expect("an object") {
            slice[field] = value.clone();
        }
        row("discovery.k8s.io", "EndpointSlice", slice)
    };
    assert_eq!(slice(json!({})), "e|IPv4|<unset>|<unset>|5m");
    let endpoint = |n: i32| json!({"addresses": [format!("10.0.0.{n}")]});
    assert_eq!(
        slice(json!({
            "ports": [{"port": 80}, {"name": "x"}, {}],
            "endpoints": [endpoint(1), endpoint(2), endpoint(3), endpoint(4), endpoint(5)],
        })),
        "e|IPv4|80,x,*|10.0.0.1,10.0.0.2,10.0.0.3 + 2 more...|5m"
    );
}

#[test]
fn workloads() {
    let template = json!({"spec": {"containers": [
        {"name": "a", "image": "x:1"}, {"name": "b", "image": "y:2"},
    ]}});
    let selector = json!({
        "matchLabels": {"app": "web"},
        "matchExpressions": [{"key": "tier", "operator": "In", "values": ["z", "y"]}],
    });
    let spec = json!({"replicas": 3, "template": template, "selector": selector});
    let status = json!({
        "replicas": 4, "readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1,
    });
    let object = json!({"metadata": {"name": "w"}, "spec": spec, "status": status});
    assert_eq!(
        row("apps", "Deployment", object.clone()),
        "w|2/3|3|1|5m|a,b|x:1,y:2|app=web,tier in (y,z)"
    );
    assert_eq!(
        row("apps", "StatefulSet", object.clone()),
        "w|2/3|5m|a,b|x:1,y:2"
    );
    assert_eq!(
        row("apps", "ReplicaSet", object),
        "w|3|4|2|5m|a,b|x:1,y:2|app=web,tier in (y,z)"
    );
    let owner =
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "w", "controller": true});
    let revision = json!({"metadata": {"name": "w-1", "ownerReferences": [owner]}, "revision": 2});
    assert_eq!(
        row("apps", "ControllerRevision", revision),
        "w-1|statefulset.apps/w|2|5m"
    );
}

#[test]
fn nodes() {
    let node = json!({
        "metadata": {"name": "n", "labels": {
            "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "",
        }},
        "spec": {"unschedulable": true},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "192.0.2.5"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Debian"},
        },
    });
    assert_eq!(
        row("", "Node", node),
        "n|Ready,SchedulingDisabled|control-plane,worker|5m|v1.36.0|192.0.2.5|<none>|Debian|\
         <unknown>|<unknown>"
    );
    assert_eq!(
        row("", "Node", json!({"metadata": {"name": "n"}})),
        "n|Unknown|<none>|5m||<none>|<none>|<unknown>|<unknown>|<unknown>"
    );
}

#[test]
fn events_of_both_forms() {
    let core = json!({
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec.containers{a}"},
        "type": "Normal", "reason": "Started", "message": " Started container a\n",
        "source": {"component": "node", "host": "n"},
        "firstTimestamp": CREATED, "lastTimestamp": "2026-01-01T00:04:00Z", "count": 3,
    });
    assert_eq!(
        row("", "Event", core),
        "60s|Normal|Started|pod/p|spec.containers{a}|node, n|Started container a|5m|3|e"
    );
    let new = json!({
        "metadata": {"name": "e"}, "regarding": {"kind": "Pod"}, "note": "x",
        "eventTime": "2026-01-01T00:04:59.500000Z", "reportingController": "c",
    });
    assert_eq!(row("events.k8s.io", "Event", new), "0s|||pod||c|x|0s|1|e");
}

#[test]
fn small_kinds() {
    let named = |extra: Value| {
        let mut object = json!({"metadata": {"name": "x"}});
        for (field, value) in extra.as_object().expect("an object") {
            object[field] = value.clone();
        }
        object
    };
    let map = named(json!({"data": {"a": "1"}, "binaryData": {"b": "MQ=="}}));
    assert_eq!(row("", "ConfigMap", map), "x|2|5m");
    assert_eq!(
        row(
            "",
            "Namespace",
            named(json!({"status": {"phase": "Active"}}))
        ),
        "x|Active|5m"
    );
    let lease = named(json!({"spec": {"holderIdentity": "me"}}));
    assert_eq!(row("coordination.k8s.io", "Lease", lease), "x|me|5m");
    let address = named(json!({"spec": {"parentRef": {
        "resource": "services", "namespace": "default", "name": "kubernetes",
    }}}));
    assert_eq!(
        row("networking.k8s.io", "IPAddress", address),
        "x|services/default/kubernetes|5m"
    );
    let cidr = named(json!({"spec": {"cidrs": ["10.96.0.0/16", "fd00::/112"]}}));
    assert_eq!(
        row("networking.k8s.io", "ServiceCIDR", cidr),
        "x|10.96.0.0/16,fd00::/112|5m"
    );
    assert_eq!(
        row("", "Secret", named(json!({"type": "Opaque"}))),
        "x|Opaque|0|5m"
    );
    assert_eq!(row("", "ServiceAccount", named(json!({}))), "x|0|5m");
    assert_eq!(row("", "Thing", named(json!({}))), format!("x|{CREATED}"));
}
