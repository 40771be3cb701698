//! A node leaves nothing behind, however it ends, and refuses to start where it would do harm.

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::json;
use support::{GENEROUS, Machine, config, devices, get, is_ready, main_container, on_own_machine};
use tidegate_node::{CleanupConfig, CleanupProblem, NodeConfig, PreparedNode, StartError, cleanup};

/// Tells the test binary, started again, to be a node.
const NODE_DIRECTORY: &str = "TIDEGATE_TEST_NODE_DIRECTORY";

/// Without the variable it is no test, but the process that `a_killed_node…` starts and kills.
#[test]
fn a_node_for_another_test() {
    let Some(directory) = std::env::var_os(NODE_DIRECTORY) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let machine = Machine::start_with(config(Path::new(&directory))).await;
        machine
            .create("victim", main_container(json!({"image": "serve_hostname"})))
            .await;
        let pod = machine.pod_when("victim", is_ready).await;
        let address = support::address(&pod);
        std::fs::write(Path::new(&directory).join("address"), address.to_string())
            .expect("written");
        std::future::pending::<()>().await;
    });
}

/// A node in a process of its own, which ends with the test.
struct NodeProcess(Child);

impl NodeProcess {
    fn kill(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("collected");
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn start_node_process(directory: &Path) -> NodeProcess {
    let process = Command::new(std::env::current_exe().expect("known"))
        .args(["--exact", "a_node_for_another_test"])
        .env(NODE_DIRECTORY, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    NodeProcess(process)
}

fn parameter(name: &str) -> String {
    let path = Path::new("/proc/sys/net").join(name);
    std::fs::read_to_string(path)
        .expect("readable")
        .trim()
        .to_owned()
}

#[test]
fn a_stopped_node_leaves_its_logs_and_nothing_else() {
    on_own_machine(|| async {
        let forwarding = parameter("ipv4/ip_forward");
        let directory = tempfile::tempdir().expect("a directory");
        let machine = Machine::start_with(config(directory.path())).await;
        assert_eq!(parameter("ipv4/ip_forward"), "1");
        machine
            .create("server", main_container(json!({"image": "serve_hostname"})))
            .await;
        machine.pod_when("server", is_ready).await;
        let report = machine.stop().await;
        assert!(
            report.removed.iter().any(|line| line.contains("tidegate0")),
            "{report:?}"
        );
        assert_eq!(devices(), ["lo"]);
        assert_eq!(parameter("ipv4/ip_forward"), forwarding);
        assert!(!directory.path().join("run").exists());
        let machine = Machine::start_with(config(directory.path())).await;
        let pod = machine
            .pods()
            .get("server")
            .await
            .expect("its object stays");
        assert!(
            !is_ready(&pod) || support::restarts(&pod) == 1,
            "{:?}",
            pod.status
        );
        let pod = machine.pod_when("server", is_ready).await;
        assert_eq!(support::restarts(&pod), 1, "it runs again and counts that");
        machine.stop().await;
    });
}

#[test]
fn a_killed_node_takes_its_pods_along_and_can_be_cleaned_up() {
    on_own_machine(|| async {
        let directory = tempfile::tempdir().expect("a directory");
        let mut node = start_node_process(directory.path());
        let begin = Instant::now();
        let file = directory.path().join("address");
        let address = loop {
            if let Ok(text) = std::fs::read_to_string(&file)
                && let Ok(address) = text.parse::<std::net::IpAddr>()
            {
                break address;
            }
            assert!(begin.elapsed() < GENEROUS, "the node does not come up");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        };
        while get((address, 9376), "/").await.is_err() {
            assert!(begin.elapsed() < GENEROUS, "the pod does not answer");
        }
        let clean_up = CleanupConfig {
            data_dir: directory.path().to_owned(),
        };
        let report = cleanup(&clean_up).await;
        assert!(
            matches!(report.problems[..], [CleanupProblem::InUse { .. }]),
            "{report:?}"
        );
        assert!(report.removed.is_empty());

        node.kill();
        let begin = Instant::now();
        while get((address, 9376), "/").await.is_ok() {
            assert!(begin.elapsed() < GENEROUS, "the pod outlives its node");
        }
        let report = cleanup(&clean_up).await;
        assert!(report.problems.is_empty(), "{report:?}");
        for part in ["cgroup", "link tidegate0", "kernel parameter", "directory"] {
            assert!(
                report.removed.iter().any(|line| line.contains(part)),
                "{part}: {report:?}"
            );
        }
        assert_eq!(devices(), ["lo"]);
        let again = cleanup(&clean_up).await;
        assert!(
            again.removed.is_empty() && again.problems.is_empty(),
            "{again:?}"
        );
    });
}

#[test]
fn a_start_after_a_kill_clears_up_by_itself() {
    on_own_machine(|| async {
        let directory = tempfile::tempdir().expect("a directory");
        let mut node = start_node_process(directory.path());
        let begin = Instant::now();
        while !directory.path().join("address").exists() {
            assert!(begin.elapsed() < GENEROUS, "the node does not come up");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        node.kill();
        let machine = Machine::start_with(config(directory.path())).await;
        machine
            .pod_when("victim", |pod| is_ready(pod) && support::restarts(pod) == 1)
            .await;
        machine.stop().await;
    });
}

async fn refusal(config: NodeConfig) -> StartError {
    PreparedNode::prepare(config).await.err().expect("refused")
}

#[test]
fn ranges_that_the_host_uses_are_refused_and_nothing_is_left() {
    on_own_machine(|| async {
        let first = tempfile::tempdir().expect("a directory");
        let machine = Machine::start_with(config(first.path())).await;
        let second = tempfile::tempdir().expect("a directory");
        let mut other = config(second.path());
        other.bridge = "tidegate1".to_owned();
        let message = refusal(other.clone()).await.to_string();
        for part in ["10.244.0.0/24", "10.244.0.1/24", "--pod-cidr"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
        other.pod_cidrs = vec!["10.245.0.0/24".parse().expect("a range")];
        let message = refusal(other.clone()).await.to_string();
        for part in ["10.96.0.0/16", "a route", "--service-cidr"] {
            assert!(message.contains(part), "{part} is missing in: {message}");
        }
        other.service_cidrs = vec!["10.97.0.0/16".parse().expect("a range")];
        other.bridge = "tidegate0".to_owned();
        let message = refusal(other.clone()).await.to_string();
        assert!(
            message.contains("tidegate0") && message.contains("--bridge"),
            "{message}"
        );
        other.bridge = "tidegate1".to_owned();
        let prepared = PreparedNode::prepare(other)
            .await
            .expect("two nodes side by side");
        assert_eq!(devices(), ["lo", "tidegate0", "tidegate1"]);
        assert!(prepared.abandon().await.problems.is_empty());
        assert_eq!(devices(), ["lo", "tidegate0"]);
        let message = refusal(config(first.path())).await.to_string();
        assert!(message.contains("a running tidegate uses"), "{message}");
        machine.stop().await;
    });
}
