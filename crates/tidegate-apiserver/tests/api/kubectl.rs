//! With a real kubectl, where the machine has one.
//!
//! There are no controllers and no node here: what is asserted is what the server alone answers.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::support::{Cluster, start};

const MANIFEST: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: hostnames}
spec:
  replicas: 3
  selector: {matchLabels: {app: hostnames}}
  template:
    metadata: {labels: {app: hostnames}}
    spec:
      containers:
      - name: hostnames
        image: k8s.gcr.io/serve_hostname
        ports: [{containerPort: 9376}]
---
apiVersion: v1
kind: Service
metadata: {name: hostnames}
spec:
  selector: {app: hostnames}
  ports: [{name: default, port: 80, targetPort: 9376}]
";

/// kubectl with the cluster's kubeconfig, and a home of its own for its caches.
struct Kubectl {
    cluster: Cluster,
    home: tempfile::TempDir,
}

impl Kubectl {
    /// `None`, with a word about it, on a machine without kubectl.
    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    async fn start() -> Option<Self> {
        if Command::new("kubectl")
            .arg("version")
            .arg("--client")
            .output()
            .is_err()
        {
            eprintln!("skipped: this machine has no kubectl in its PATH");
            return None;
        }
        Some(Self {
            cluster: start().await,
            home: tempfile::TempDir::new().unwrap(),
        })
    }

    /// Runs kubectl; gives back whether it succeeded, and what it printed.
    async fn run(&self, arguments: &[&str], input: &str) -> (bool, String) {
        let kubeconfig: PathBuf = self.cluster.server.kubeconfig_path().to_owned();
        let home = self.home.path().to_owned();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|argument| (*argument).to_owned())
            .collect();
        let input = input.to_owned();
        // The server runs on this runtime: waiting for a child must not hold it up.
        let work = tokio::task::spawn_blocking(move || {
            let mut child = Command::new("kubectl")
                .args(&arguments)
                .env("KUBECONFIG", kubeconfig)
                .env("HOME", home)
                .env("EDITOR", "sed -i s/replicas:.*/replicas:\\ 7/")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(input.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            (
                output.status.success(),
                String::from_utf8_lossy(&text).into_owned(),
            )
        });
        work.await.unwrap()
    }

    /// Runs commands, each of which must succeed and print a text.
    async fn all(&self, commands: &[(&str, &str)]) {
        for (command, part) in commands {
            let (command, input) = match command.strip_suffix(" < MANIFEST") {
                Some(command) => (command, MANIFEST),
                None => (*command, ""),
            };
            let arguments: Vec<&str> = command.split(' ').collect();
            let (success, text) = self.run(&arguments, input).await;
            assert!(success, "kubectl {command}: {text}");
            assert!(
                text.contains(part),
                "kubectl {command} did not print {part:?}: {text}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_applied_shown_changed_and_deleted() {
    let Some(kubectl) = Kubectl::start().await else {
        return;
    };
    kubectl
        .all(&[
            ("apply -f - < MANIFEST", "deployment.apps/hostnames created"),
            (
                "apply -f - < MANIFEST",
                "deployment.apps/hostnames unchanged",
            ),
            ("apply -f - < MANIFEST", "service/hostnames unchanged"),
            ("diff -f - < MANIFEST", ""),
            ("get svc -o wide", "SELECTOR"),
            ("get svc hostnames -o wide", "80/TCP"),
            ("get deploy", "0/3"),
            ("describe svc hostnames", "9376/TCP"),
            ("describe deploy hostnames", "25% max unavailable"),
            ("scale deploy hostnames --replicas=5", "scaled"),
            ("edit deploy hostnames", "edited"),
            ("get deploy hostnames -o jsonpath={.spec.replicas}", "7"),
            (
                "set image deploy/hostnames hostnames=serve_hostname:2",
                "image updated",
            ),
            ("rollout restart deploy/hostnames", "restarted"),
            (
                r#"patch svc hostnames -p {"spec":{"type":"NodePort"}}"#,
                "patched",
            ),
            ("label svc hostnames tier=front", "labeled"),
            ("annotate svc hostnames note=x", "annotated"),
            ("get svc -l tier=front -o name", "service/hostnames"),
            ("delete -f - < MANIFEST", "deleted"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_shown() {
    let Some(kubectl) = Kubectl::start().await else {
        return;
    };
    kubectl.all(&[("apply -f - < MANIFEST", "created")]).await;
    let changed = MANIFEST.replace("port: 80", "port: 81");
    let (same, difference) = kubectl.run(&["diff", "-f", "-"], &changed).await;
    assert!(!same && difference.contains("port: 81"), "{difference}");
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_made_by_command() {
    let Some(kubectl) = Kubectl::start().await else {
        return;
    };
    let shown = "get deploy web -n shop -o jsonpath={.spec.replicas}:{..containerPort}";
    kubectl
        .all(&[
            ("create namespace shop", "namespace/shop created"),
            (
                "create deployment web --image=x --replicas=0 --port=80 -n shop",
                "web created",
            ),
            (shown, "0:80"),
            (
                "expose deploy web -n shop --port=80 --type=NodePort",
                "service/web exposed",
            ),
            (
                "create service clusterip plain --tcp=80:8080",
                "service/plain created",
            ),
            (
                "create service externalname out --external-name=example.com",
                "created",
            ),
            (
                "create configmap settings --from-literal=a=1",
                "configmap/settings created",
            ),
            ("get cm settings -o jsonpath={.data.a}", "1"),
            (
                "create secret generic key --from-literal=a=1",
                "secret/key created",
            ),
            (
                "create serviceaccount robot",
                "serviceaccount/robot created",
            ),
            (
                "run p --image=agnhost --command -- sleep 1",
                "pod/p created",
            ),
            ("logs p --tail=3", "hello from p/p tail=Some(3)"),
            ("describe pod p", "QoS Class:"),
            ("delete pod p", "deleted"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_explains_itself() {
    let Some(kubectl) = Kubectl::start().await else {
        return;
    };
    kubectl
        .all(&[
            ("api-resources", "discovery.k8s.io/v1"),
            ("explain service.spec.ports", "FIELD: ports <[]ServicePort>"),
            ("explain service.spec.ports", "targetPort"),
        ])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_explained() {
    let Some(kubectl) = Kubectl::start().await else {
        return;
    };
    let apply = ["apply", "-f", "-"];
    let (_, text) = kubectl
        .run(&["apply", "--server-side", "-f", "-"], MANIFEST)
        .await;
    assert!(
        text.contains("use `kubectl apply` without --server-side"),
        "{text}"
    );
    let unknown = MANIFEST.replace("port: 80,", "prot: 80,");
    let (_, text) = kubectl.run(&apply, &unknown).await;
    assert!(
        text.contains(r#"strict decoding error: unknown field "spec.ports[0].prot""#),
        "{text}"
    );
    let bad = MANIFEST.replace("name: default,", "name: Default,");
    let (_, text) = kubectl.run(&apply, &bad).await;
    assert!(
        text.contains("spec.ports[0].name: Invalid value: \"Default\""),
        "{text}"
    );
}
