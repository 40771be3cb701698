//! Pods as a user of the API sees them.

mod support;

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Node as ApiNode;
use kube::api::{Api, ListParams};
use serde_json::json;
use support::{
    GENEROUS, Machine, address, condition, get, is_ready, main_container, on_own_machine, phase,
    restarts, shell, waiting,
};
use tidegate_node::LogOptions;

#[test]
fn three_hostnames_are_ready_answer_and_disappear() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let names = ["hostnames-1", "hostnames-2", "hostnames-3"];
        let probe = json!({"httpGet": {"path": "/", "port": 9376}});
        for name in names {
            let container = json!({"image": "k8s.gcr.io/serve_hostname", "readinessProbe": probe});
            machine.create(name, main_container(container)).await;
        }
        let mut addresses = Vec::new();
        for name in names {
            let pod = machine.pod_when(name, is_ready).await;
            assert_eq!(phase(&pod), "Running");
            assert_eq!(
                get((address(&pod), 9376), "/").await.expect("answers"),
                name
            );
            addresses.push(address(&pod));
        }
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 3);
        assert_eq!(
            support::devices()
                .iter()
                .filter(|name| name.starts_with("tide"))
                .count(),
            4
        );
        for name in names {
            machine.delete(name, None).await;
        }
        for name in names {
            machine.wait_until_gone(name).await;
        }
        assert_eq!(support::devices(), ["lo", "tidegate0"]);
        machine.stop().await;
    });
}

#[test]
fn the_node_is_registered_with_addresses_and_a_lease() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let nodes: Api<ApiNode> = Api::all(machine.client.clone());
        let node = nodes.get("machine").await.expect("registered");
        let spec = node.spec.expect("a spec");
        assert_eq!(spec.pod_cidr.as_deref(), Some("10.244.0.0/24"));
        let status = node.status.expect("a status");
        let addresses = status.addresses.unwrap_or_default();
        assert!(
            addresses
                .iter()
                .any(|address| address.type_ == "InternalIP"),
            "{addresses:?}"
        );
        let socket = std::net::UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket
            .connect("10.96.0.10:53")
            .expect("the host has a way to services");
        let own = socket.local_addr().expect("bound").ip().to_string();
        assert_eq!(own, "10.244.0.1");
        let ready = status.conditions.unwrap_or_default();
        assert!(
            ready
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
        );
        let leases: Api<k8s_openapi::api::coordination::v1::Lease> =
            Api::namespaced(machine.client.clone(), "kube-node-lease");
        let lease = leases.get("machine").await.expect("a lease");
        assert!(lease.spec.and_then(|spec| spec.renew_time).is_some());
        machine.stop().await;
    });
}

#[test]
fn a_pod_finds_services_names_and_itself() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let services: Api<k8s_openapi::api::core::v1::Service> =
            Api::namespaced(machine.client.clone(), "default");
        let service = json!({
            "metadata": {"name": "my-db"},
            "spec": {"clusterIP": "10.96.7.7", "ports": [{"port": 5432}]},
        });
        let service = serde_json::from_value(service).expect("a service");
        services
            .create(&Default::default(), &service)
            .await
            .expect("created");
        let script = "env | sort; cat /etc/resolv.conf; grep $MY_IP /etc/hosts; hostname; \
                      cat /etc/hostname; ip route 2>/dev/null || cat /proc/net/route";
        let mut spec = main_container(shell(script));
        spec["restartPolicy"] = "Never".into();
        spec["subdomain"] = "sub".into();
        spec["containers"][0]["env"] = json!([
            {"name": "MY_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "GREETING", "value": "at $(MY_IP) to $(MY_DB_SERVICE_HOST)"},
        ]);
        machine.create("looker", spec).await;
        let pod = machine
            .pod_when("looker", |pod| phase(pod) == "Succeeded")
            .await;
        let ip = address(&pod);
        let text = machine
            .log("looker", LogOptions::default())
            .await
            .expect("a log");
        for expected in [
            "KUBERNETES_SERVICE_HOST=10.96.0.1\n".to_owned(),
            "MY_DB_SERVICE_PORT=5432\n".to_owned(),
            "MY_DB_PORT_5432_TCP_ADDR=10.96.7.7\n".to_owned(),
            format!("GREETING=at {ip} to 10.96.7.7\n"),
            "HOSTNAME=looker\n".to_owned(),
            "search default.svc.cluster.local svc.cluster.local cluster.local".to_owned(),
            "nameserver 10.96.0.10\n".to_owned(),
            "options ndots:5\n".to_owned(),
            format!("{ip}\tlooker.sub.default.svc.cluster.local\tlooker\n"),
            "\nlooker\nlooker\n".to_owned(),
        ] {
            assert!(
                text.contains(&expected),
                "{expected:?} is missing in:\n{text}"
            );
        }
        assert_eq!(condition(&pod, "Ready").as_deref(), Some("False"));
        machine.delete("looker", None).await;
        machine.wait_until_gone("looker").await;
        machine.stop().await;
    });
}

#[test]
fn a_killed_process_is_noticed_at_once_and_restarted() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let container = json!({"image": "agnhost:2.53", "args": ["netexec", "--http-port=80"]});
        machine.create("phoenix", main_container(container)).await;
        let pod = machine.pod_when("phoenix", is_ready).await;
        let address = address(&pod);
        // There is no readiness probe: a built-in image is ready when its ports are open.
        get((address, 80), "/exit?code=3").await.expect("answers");
        let pod = machine
            .pod_when("phoenix", |pod| restarts(pod) == 1 && is_ready(pod))
            .await;
        let status = pod
            .status
            .expect("a status")
            .container_statuses
            .expect("statuses")
            .remove(0);
        let last = status
            .last_state
            .and_then(|state| state.terminated)
            .expect("it ended before");
        assert_eq!((last.exit_code, last.reason.as_deref()), (3, Some("Error")));
        let previous = LogOptions {
            previous: true,
            ..LogOptions::default()
        };
        let text = machine
            .log("phoenix", previous)
            .await
            .expect("a log of the former run");
        assert!(text.contains("Started HTTP server on port 80"), "{text}");
        machine.stop().await;
    });
}

#[test]
fn what_cannot_run_says_why() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        machine
            .create("web", main_container(json!({"image": "nginx:1.27"})))
            .await;
        machine
            .create(
                "typo",
                main_container(json!({"image": "x", "command": ["no-such-program"]})),
            )
            .await;
        let map = json!({"name": "none", "key": "k"});
        let env = json!([{"name": "X", "valueFrom": {"configMapKeyRef": map}}]);
        machine
            .create(
                "unset",
                main_container(json!({"image": "pause", "env": env})),
            )
            .await;

        let pod = machine
            .pod_when("web", |pod| {
                waiting(pod).is_some_and(|w| w.0 == "ImageNotBuiltIn")
            })
            .await;
        let (_, message) = waiting(&pod).expect("waits");
        assert!(
            message.contains("nginx:1.27") && message.contains("`command`"),
            "{message}"
        );
        assert_eq!(phase(&pod), "Pending");
        let pod = machine
            .pod_when("typo", |pod| {
                waiting(pod).is_some_and(|w| w.0 == "RunContainerError")
            })
            .await;
        let (_, message) = waiting(&pod).expect("waits");
        assert_eq!(
            message,
            "exec: \"no-such-program\": executable file not found in $PATH"
        );
        machine.event("typo", "Failed", "no-such-program").await;
        let problem = |w: (String, String)| w.0 == "CreateContainerConfigError";
        let pod = machine
            .pod_when("unset", |pod| waiting(pod).is_some_and(problem))
            .await;
        assert_eq!(
            waiting(&pod).expect("waits").1,
            "configmap \"none\" not found"
        );

        let error = machine
            .log("web", LogOptions::default())
            .await
            .expect_err("nothing ran");
        assert!(error.contains("waiting to start"), "{error}");
        let error = machine
            .log("nobody", LogOptions::default())
            .await
            .expect_err("no such pod");
        assert!(error.contains("nobody"), "{error}");
        machine.stop().await;
    });
}

#[test]
fn probes_decide_about_readiness_and_life() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let directory = tempfile::tempdir().expect("a directory");
        let flag = directory.path().join("ready");
        let container = json!({
            "image": "agnhost", "args": ["netexec"],
            "ports": [{"name": "web", "containerPort": 8080}],
            "startupProbe": {"tcpSocket": {"port": "web"}, "periodSeconds": 1},
            "readinessProbe": {
                "exec": {"command": ["test", "-e", flag]}, "periodSeconds": 1, "failureThreshold": 1,
            },
            "livenessProbe": {"httpGet": {"port": "web", "path": "/healthz"}, "periodSeconds": 1},
        });
        machine.create("probed", main_container(container)).await;
        machine
            .event("probed", "Unhealthy", "Readiness probe failed")
            .await;
        let pod = machine.pods().get("probed").await.expect("readable");
        assert!(!is_ready(&pod));
        std::fs::write(&flag, "").expect("written");
        machine.pod_when("probed", is_ready).await;
        std::fs::remove_file(&flag).expect("removed");
        machine.pod_when("probed", |pod| !is_ready(pod)).await;

        let container = json!({
            "image": "agnhost", "args": ["netexec"],
            "livenessProbe": {
                "httpGet": {"port": 8080, "path": "/nothing"}, "periodSeconds": 1, "failureThreshold": 1,
                "terminationGracePeriodSeconds": 1, "initialDelaySeconds": 1,
            },
        });
        machine.create("doomed", main_container(container)).await;
        machine.pod_when("doomed", |pod| restarts(pod) > 0).await;
        let message = "Liveness probe failed: HTTP probe failed with statuscode: 404";
        machine.event("doomed", "Unhealthy", message).await;
        machine
            .event("doomed", "Killing", "failed liveness probe")
            .await;
        machine.stop().await;
    });
}

#[test]
fn an_ending_pod_gets_its_hook_its_signal_and_its_time() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let script = "trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done";
        let mut container = shell(script);
        let hook = json!({"exec": {"command": ["sh", "-c", "echo hook > /proc/1/fd/1"]}});
        container["lifecycle"] = json!({"preStop": hook});
        machine.create("polite", main_container(container)).await;
        machine.pod_when("polite", is_ready).await;
        let follow = LogOptions {
            follow: true,
            ..LogOptions::default()
        };
        let log = machine.log("polite", follow);
        let (log, ()) = tokio::join!(log, async {
            let begin = Instant::now();
            while !machine
                .log("polite", LogOptions::default())
                .await
                .is_ok_and(|log| log.contains("up"))
            {
                assert!(begin.elapsed() < GENEROUS);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            machine.delete("polite", None).await;
            machine.wait_until_gone("polite").await;
        });
        assert_eq!(log.as_deref(), Ok("up\nhook\nasked\n"));

        machine
            .create(
                "stubborn",
                main_container(shell("trap '' TERM; while :; do sleep 1; done")),
            )
            .await;
        machine.pod_when("stubborn", is_ready).await;
        machine.delete("stubborn", Some(1)).await;
        machine.wait_until_gone("stubborn").await;
        machine.stop().await;
    });
}

#[test]
fn init_containers_volumes_and_config_maps() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let maps: Api<k8s_openapi::api::core::v1::ConfigMap> =
            Api::namespaced(machine.client.clone(), "default");
        let map = json!({"metadata": {"name": "settings"}, "data": {"color": "blue"}});
        let map = serde_json::from_value(map).expect("a config map");
        maps.create(&Default::default(), &map)
            .await
            .expect("created");
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join("deep/place").display().to_string();
        let mount = |name: &str| json!({"name": name, "mountPath": format!("{place}/{name}")});
        let spec = json!({
            "restartPolicy": "Never",
            "volumes": [
                {"name": "shared", "emptyDir": {}},
                {"name": "config", "configMap": {"name": "settings"}},
            ],
            "initContainers": [{
                "name": "first", "image": "x", "volumeMounts": [mount("shared")],
                "command": ["sh", "-c", format!("echo from-init > {place}/shared/file")],
            }],
            "containers": [{
                "name": "main", "image": "x", "volumeMounts": [mount("shared"), mount("config")],
                "securityContext": {"runAsUser": 65534, "runAsGroup": 65534},
                "command": ["sh", "-c", format!(
                    "cat {place}/shared/file {place}/config/color; id -u; \
                     touch {place}/shared/mine && echo writable; touch {place}/config/x 2>/dev/null || echo read-only"
                )],
            }],
        });
        machine.create("two-steps", spec).await;
        let pod = machine
            .pod_when("two-steps", |pod| {
                matches!(phase(pod).as_str(), "Succeeded" | "Failed")
            })
            .await;
        let text = machine
            .log("two-steps", LogOptions::default())
            .await
            .expect("a log");
        assert_eq!(text, "from-init\nblue65534\nwritable\nread-only\n");
        assert_eq!(phase(&pod), "Succeeded");
        assert!(std::path::Path::new(&place).exists());
        let report = machine.stop().await;
        assert!(
            !std::path::Path::new(&place).exists(),
            "{:?}",
            report.removed
        );
    });
}

#[test]
fn pods_that_want_another_node_wait() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let mut spec = main_container(json!({"image": "pause"}));
        spec["nodeSelector"] = json!({"disk": "tape"});
        machine.create("choosy", spec).await;
        let pod = machine
            .pod_when("choosy", |pod| condition(pod, "PodScheduled").is_some())
            .await;
        assert_eq!(condition(&pod, "PodScheduled").as_deref(), Some("False"));
        machine
            .event("choosy", "FailedScheduling", "disk=tape")
            .await;
        let mut spec = main_container(json!({"image": "pause"}));
        spec["nodeName"] = "elsewhere".into();
        machine.create("foreign", spec).await;
        machine
            .create("here", main_container(json!({"image": "pause"})))
            .await;
        machine.pod_when("here", is_ready).await;
        let foreign = machine.pods().get("foreign").await.expect("readable");
        assert_eq!(foreign.status.and_then(|status| status.pod_ip), None);
        assert_eq!(
            machine
                .pods()
                .list(&ListParams::default())
                .await
                .expect("readable")
                .items
                .len(),
            3
        );
        machine.stop().await;
    });
}

#[test]
fn a_pod_on_the_host_s_network_has_the_host_s_address() {
    on_own_machine(|| async {
        let machine = Machine::start().await;
        let mut spec = main_container(json!({
            "image": "serve_hostname", "args": ["--port=9999"],
            "readinessProbe": {"tcpSocket": {"port": 9999}},
        }));
        spec["hostNetwork"] = true.into();
        machine.create("hosted", spec).await;
        let pod = machine.pod_when("hosted", is_ready).await;
        assert_eq!(address(&pod), machine.node.addresses()[0]);
        get(([127, 0, 0, 1], 9999), "/")
            .await
            .expect("answers on the host");
        machine.stop().await;
    });
}
