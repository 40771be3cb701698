//! A cluster with Services of every kind, in both families.

use serde_json::{Value, json};

use crate::objects::Objects;

/// What there is in it.
pub(crate) fn objects() -> Objects {
    let mut all = Objects {
        namespaces: vec!["default", "kube-system", "shop", "void"],
        pods: vec![
            ("default", "web-1", "10.1.0.1"),
            ("default", "six-1", "fd00:1::2"),
            ("default", "round-1", "fd00:1::"),
            ("shop", "cart-1", "10.1.0.40"),
        ],
        ..Objects::default()
    };
    balanced(&mut all);
    headless(&mut all);
    external(&mut all);
    all
}

fn balanced(all: &mut Objects) {
    let http = json!([{"name": "http", "port": 80, "targetPort": 8080}]);
    let target = json!([{"name": "http", "port": 8080}]);
    all.service(
        "default/web",
        json!({"clusterIP": "10.96.0.7", "ports": [
            {"name": "http", "port": 80, "targetPort": 8080},
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            {"name": "media", "port": 9, "protocol": "SCTP"}
        ]}),
    );
    all.slice(
        "default/web",
        target.clone(),
        json!([{"addresses": ["10.1.0.1"]}, {"addresses": ["10.1.0.11"], "hostname": "front"}]),
    );
    all.service(
        "default/bare",
        json!({"clusterIP": "10.96.0.8", "ports": [{"port": 80}]}),
    );
    all.service(
        "default/dual",
        json!({"clusterIPs": ["10.96.0.9", "fd00:96::9"], "ports": http}),
    );
    all.service(
        "default/six-first",
        json!({"clusterIPs": ["fd00:96::c", "10.96.0.12"], "ports": http}),
    );
    all.service(
        "default/six",
        json!({"clusterIPs": ["fd00:96::6"], "ports": http}),
    );
    all.service(
        "default/door",
        json!({"type": "NodePort", "clusterIP": "10.96.0.20", "ports": [{"name": "http", "port": 80, "nodePort": 30080}]}),
    );
    all.service(
        "default/gate",
        json!({"type": "LoadBalancer", "clusterIP": "10.96.0.21", "externalIPs": ["198.51.100.21"], "ports": http}),
    );
    all.service(
        "kube-system/kube-dns",
        json!({"clusterIPs": ["10.96.0.10", "fd00:96::10"], "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
            {"name": "metrics", "port": 9153}
        ]}),
    );
    all.slice(
        "kube-system/kube-dns",
        json!([{"name": "dns", "port": 53, "protocol": "UDP"}]),
        json!([{"addresses": ["10.1.0.53"]}]),
    );
    all.service(
        "shop/web",
        json!({"clusterIP": "10.96.0.30", "ports": http}),
    );
    all.slice(
        "shop/web",
        target,
        json!([{"addresses": ["10.1.0.40"], "targetRef": {"kind": "Pod", "namespace": "shop", "name": "cart-1"}}]),
    );
}

fn headless(all: &mut Objects) {
    let none = || json!({"clusterIP": "None", "ports": [{"name": "http", "port": 80}]});
    let http = || json!([{"name": "http", "port": 8080}]);
    all.service("default/pods", none());
    all.slice(
        "default/pods",
        http(),
        json!([
            {"addresses": ["10.1.0.2"], "hostname": "pod-0", "conditions": {"ready": true}},
            {"addresses": ["10.1.0.3"], "conditions": {}, "targetRef": {"kind": "Pod", "namespace": "default", "name": "plain-7x"}},
            {"addresses": ["10.1.0.4"], "hostname": "twin"},
            {"addresses": ["10.1.0.5"], "hostname": "twin"},
            {"addresses": ["10.1.0.6"], "hostname": "unready", "conditions": {"ready": false, "serving": true, "terminating": true}}
        ]),
    );
    all.slice(
        "default/pods",
        http(),
        json!([{"addresses": ["fd00:1::2"], "hostname": "pod-0"}, {"addresses": ["fd00:1::"]}]),
    );
    // What the StatefulSet controller makes: ordinal host names, and one more port over UDP.
    all.service("default/db", none());
    let members: Vec<Value> = (0..3)
        .map(|ordinal| json!({"addresses": [format!("10.1.1.{ordinal}")], "hostname": format!("db-{ordinal}")}))
        .collect();
    all.slice(
        "default/db",
        json!([{"name": "sql", "port": 5432}, {"name": "gossip", "port": 7946, "protocol": "UDP"}]),
        json!(members),
    );
    // With publishNotReadyAddresses the controller says that everybody is ready.
    all.service(
        "default/early",
        json!({"clusterIP": "None", "publishNotReadyAddresses": true, "ports": [{"name": "http", "port": 80}]}),
    );
    all.slice(
        "default/early",
        http(),
        json!([
            {"addresses": ["10.1.0.60"], "hostname": "first", "conditions": {"ready": true, "serving": false}},
            {"addresses": ["10.1.0.61"], "hostname": "leaving", "conditions": {"ready": true, "serving": false, "terminating": true}}
        ]),
    );
    all.service("default/portless", json!({"clusterIP": "None"}));
    all.slice(
        "default/portless",
        json!([]),
        json!([{"addresses": ["10.1.0.2"], "hostname": "pod-0"}]),
    );
    all.service(
        "default/unnamed",
        json!({"clusterIP": "None", "ports": [{"port": 80}]}),
    );
    all.slice(
        "default/unnamed",
        json!([{"name": "", "port": 8080}]),
        json!([{"addresses": ["10.1.0.9"]}]),
    );
    all.service("default/sixpods", none());
    all.slice(
        "default/sixpods",
        http(),
        json!([{"addresses": ["fd00:1::9"]}]),
    );
    all.service("default/waiting", none());
    all.slice(
        "default/waiting",
        http(),
        json!([{"addresses": ["10.1.0.8"], "hostname": "late", "conditions": {"ready": false}}]),
    );
    all.service("default/nobody-there", none());
    // While slices are put in order, an endpoint may be in two of them.
    all.service("default/repeated", none());
    let twice = || json!({"addresses": ["10.1.0.70"], "hostname": "moving"});
    all.slice("default/repeated", http(), json!([twice()]));
    all.slice(
        "default/repeated",
        http(),
        json!([twice(), {"addresses": ["10.1.0.71"]}]),
    );
    // An endpoint that is another Service's virtual address.
    all.service("default/facade", none());
    all.slice(
        "default/facade",
        http(),
        json!([{"addresses": ["10.96.0.30"]}]),
    );
    // Two versions of a pod whose named port has different numbers.
    all.service("default/rolling", none());
    for (port, address) in [(8080, "10.1.0.21"), (9090, "10.1.0.22")] {
        all.slice(
            "default/rolling",
            json!([{"name": "http", "port": port}]),
            json!([{"addresses": [address]}]),
        );
    }
    all.service("default/many", none());
    let crowd: Vec<Value> = (1..=100)
        .map(|last| json!({"addresses": [format!("10.2.0.{last}")], "zone": format!("zone-{}", last % 4)}))
        .collect();
    all.slice("default/many", http(), json!(crowd));
    all.service("default/wide", none());
    let row: Vec<Value> = (1..=7)
        .map(|last| json!({"addresses": [format!("10.4.0.{last}")]}))
        .collect();
    all.slice("default/wide", http(), json!(row));
    all.service("default/zoned", none());
    all.slice(
        "default/zoned",
        http(),
        json!([
            {"addresses": ["10.3.0.1"], "zone": "us-west-2a"},
            {"addresses": ["10.3.0.2"], "zone": "us-west-2b"},
            {"addresses": ["10.3.0.3"], "zone": "us-west-2b"},
            {"addresses": ["10.3.0.4"], "zone": "rack.7"}
        ]),
    );
    all.service("shop/cart", none());
    all.slice(
        "shop/cart",
        http(),
        json!([{"addresses": ["10.1.0.40"], "targetRef": {"kind": "Pod", "namespace": "shop", "name": "cart-1"}}]),
    );
}

fn external(all: &mut Objects) {
    let mut alias = |name: &str, target: &str| {
        let spec = json!({"type": "ExternalName", "externalName": target, "ports": [{"name": "http", "port": 80}]});
        all.service(&format!("default/{name}"), spec);
    };
    alias("outside", "db.example.org");
    alias("outside-alias", "alias.example.org");
    alias("outside-missing", "missing.example.org");
    alias("outside-cut", "cut.example.org");
    alias("inside", "web.default.svc.cluster.local");
    alias("inside-pods", "pods.default.svc.cluster.local");
    alias("inside-host", "pod-0.pods.default.svc.cluster.local");
    alias("shouting", "WEB.default.svc.cluster.local");
    alias("two-steps", "outside.default.svc.cluster.local");
    alias("nowhere", "ghost.default.svc.cluster.local");
    alias("not-ready", "waiting.default.svc.cluster.local");
    alias("self", "self.default.svc.cluster.local");
    alias("ping", "pong.default.svc.cluster.local");
    alias("pong", "ping.default.svc.cluster.local");
    alias("literal", "192.0.2.1");
    alias("literal6", "2001:db8::1");
    alias("hop-1", "web.default.svc.cluster.local");
    for hop in 2..=13 {
        let before = format!("hop-{}.default.svc.cluster.local", hop - 1);
        alias(&format!("hop-{hop}"), &before);
    }
}
