//! Real clients: kubectl where the machine has a recent one, and kube-rs.

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use crate::machine::Machine;
use crate::services::HOSTNAMES;

/// Whether kubectl is there and new enough; says why the test is skipped if it isn't.
pub(crate) fn has_kubectl() -> bool {
    let output = std::process::Command::new("kubectl")
        .args(["version", "--client", "-o", "json"])
        .output();
    let version = output
        .ok()
        .and_then(|output| serde_json::from_slice::<serde_json::Value>(&output.stdout).ok());
    let minor = version
        .as_ref()
        .and_then(|version| version["clientVersion"]["minor"].as_str());
    let minor = minor.and_then(|minor| minor.trim_end_matches('+').parse::<u32>().ok());
    match minor {
        Some(27..) => true,
        Some(old) => {
            eprintln!("skipped: kubectl is 1.{old}, the test needs 1.27 or newer");
            false
        }
        None => {
            eprintln!("skipped: there is no kubectl on this machine");
            false
        }
    }
}

#[test]
fn kubectl_shows_the_classic_example_as_the_tutorials_do() {
    if !has_kubectl() {
        return;
    }
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let file = machine.file("hostnames.yaml", HOSTNAMES);
    let applied = machine.kubectl(&["apply", "-f", &file]);
    assert!(
        applied.contains("deployment.apps/hostnames created")
            && applied.contains("service/hostnames created"),
        "{applied}"
    );
    let again = machine.kubectl(&["apply", "-f", &file]);
    assert_eq!(again.matches("unchanged").count(), 2, "{again}");
    machine.kubectl(&["rollout", "status", "deployment/hostnames", "--timeout=60s"]);
    machine.kubectl(&[
        "wait",
        "--for=condition=Available",
        "deployment/hostnames",
        "--timeout=60s",
    ]);

    let pods = machine.kubectl(&["get", "pods"]);
    assert!(
        pods.starts_with("NAME") && pods.contains("READY   STATUS    RESTARTS"),
        "{pods}"
    );
    assert_eq!(pods.matches("1/1     Running").count(), 3, "{pods}");
    let services = machine.kubectl(&["get", "svc"]);
    assert!(
        services.contains("kubernetes   ClusterIP   10.96.0.1"),
        "{services}"
    );
    let endpoints = machine.kubectl(&["get", "endpoints", "hostnames"]);
    assert_eq!(endpoints.matches(":9376").count(), 3, "{endpoints}");
    let described = machine.kubectl(&["describe", "svc", "hostnames"]);
    for field in [
        "Type:",
        "ClusterIP",
        "IP:",
        "Port:",
        "default  80/TCP",
        "TargetPort:",
        "9376/TCP",
        "Endpoints:",
        "Session Affinity:",
        "None",
    ] {
        assert!(described.contains(field), "{field} in\n{described}");
    }
    let deployment = machine.kubectl(&["describe", "deployment", "hostnames"]);
    assert!(deployment.contains("ScalingReplicaSet"), "{deployment}");
    let logs = machine.try_kubectl(&["logs", "deployment/hostnames"]);
    assert!(logs.status.success(), "{logs:?}");
}

#[test]
fn kubectl_scales_patches_labels_restarts_and_deletes() {
    if !has_kubectl() {
        return;
    }
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.kubectl(&[
        "create",
        "deployment",
        "web",
        "--image=k8s.gcr.io/serve_hostname",
        "--replicas=2",
    ]);
    machine.kubectl(&[
        "expose",
        "deployment",
        "web",
        "--port=80",
        "--target-port=9376",
    ]);
    machine.ready_pods("app=web", 2);
    machine.kubectl(&["scale", "deployment", "web", "--replicas=1"]);
    machine.ready_pods("app=web", 1);
    machine.kubectl(&[
        "patch",
        "svc",
        "web",
        "-p",
        r#"{"spec":{"type":"NodePort"}}"#,
    ]);
    assert!(
        machine
            .field("services", "web", "/spec/ports/0/nodePort")
            .is_some()
    );
    machine.kubectl(&["label", "svc", "web", "tier=front"]);
    machine.kubectl(&["rollout", "restart", "deployment/web"]);
    machine.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    machine.kubectl(&["delete", "deployment,svc", "web", "--timeout=60s"]);
    let left = machine.kubectl(&["get", "all", "-o", "name"]);
    assert!(!left.contains("service/web"), "{left}");
    machine.kubectl(&["create", "namespace", "other"]);
    machine.kubectl(&[
        "-n",
        "other",
        "create",
        "configmap",
        "a",
        "--from-literal=b=c",
    ]);
    machine.kubectl(&["delete", "namespace", "other", "--timeout=60s"]);
}

#[test]
fn anonymous_calls_are_refused_and_the_kubeconfig_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let answer = machine
        .sh("curl -sk --noproxy '*' -w ' %{http_code}' https://127.0.0.1:6443/api/v1/services");
    assert!(
        answer.ends_with(" 401") && answer.contains("Unauthorized"),
        "{answer}"
    );
    let mode = std::fs::metadata(machine.kubeconfig())
        .expect("is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Runs a kube-rs client on the machine, from a thread that enters its namespace.
pub(crate) fn with_kube<T: Send>(
    machine: &Machine,
    work: impl AsyncFnOnce(Client) -> T + Send,
) -> T {
    let kubeconfig = Kubeconfig::read_from(machine.kubeconfig()).expect("reads");
    machine.inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("builds");
        runtime.block_on(async {
            let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
                .await
                .expect("is valid");
            work(Client::try_from(config).expect("connects")).await
        })
    })
}

#[test]
fn kube_rs_creates_watches_patches_and_deletes() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    with_kube(&machine, async |client| {
        let services: Api<Service> = Api::namespaced(client.clone(), "default");
        let version = services
            .list(&Default::default())
            .await
            .expect("lists")
            .metadata
            .resource_version
            .expect("has one");
        let web = json!({"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}});
        let created = services
            .create(
                &PostParams::default(),
                &serde_json::from_value(web).expect("a Service"),
            )
            .await
            .expect("creates");
        assert!(
            created
                .spec
                .expect("has one")
                .cluster_ip
                .expect("allocated")
                .starts_with("10.96.")
        );
        let patch = Patch::Merge(json!({"spec": {"sessionAffinity": "ClientIP"}}));
        services
            .patch("web", &PatchParams::default(), &patch)
            .await
            .expect("patches");
        services
            .delete("web", &DeleteParams::default())
            .await
            .expect("deletes");
        let events = services
            .watch(&WatchParams::default().timeout(30), &version)
            .await
            .expect("watches");
        let kinds: Vec<&str> = futures::StreamExt::take(events, 3)
            .map_ok(|event| match event {
                WatchEvent::Added(_) => "added",
                WatchEvent::Modified(_) => "modified",
                WatchEvent::Deleted(_) => "deleted",
                WatchEvent::Bookmark(_) => "bookmark",
                WatchEvent::Error(_) => "error",
            })
            .try_collect()
            .await
            .expect("reads");
        assert_eq!(kinds, ["added", "modified", "deleted"]);

        let maps: Api<ConfigMap> = Api::namespaced(client, "default");
        let map: ConfigMap =
            serde_json::from_value(json!({"metadata": {"name": "a"}})).expect("a ConfigMap");
        let first = maps
            .create(&PostParams::default(), &map)
            .await
            .expect("creates");
        maps.replace("a", &PostParams::default(), &first)
            .await
            .expect("replaces");
        let mut stale = first;
        stale.data = Some([("k".to_owned(), "v".to_owned())].into());
        maps.replace("a", &PostParams::default(), &stale)
            .await
            .expect("an unchanged object kept its version");
        let conflict = maps
            .replace("a", &PostParams::default(), &stale)
            .await
            .expect_err("is stale");
        assert!(matches!(conflict, kube::Error::Api(status) if status.code == 409));
    });
}
