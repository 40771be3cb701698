//! `tidegate proxy` in place of kube-proxy, on a node of a cluster that runs elsewhere.

use std::process::{Child, Stdio};

use crate::machine::{Machine, text};
use crate::wait::until;

/// The cluster's machine, and one beside it where the proxy runs.
pub(crate) struct Node {
    pub(crate) cluster: Machine,
    pub(crate) node: Machine,
}

/// The node, and a Service that needs no pod: its backend is said to be on the node itself.
const WEB: &str = "apiVersion: v1
kind: Node
metadata: {name: worker}
status: {addresses: [{type: InternalIP, address: 192.0.2.20}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.77, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{port: 8080, protocol: TCP}]
endpoints: [{addresses: [192.0.2.20], conditions: {ready: true}}]
";

/// A running proxy, which ends with this value.
pub(crate) struct Running(Child);

impl Running {
    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Node {
    pub(crate) fn new() -> Self {
        let (cluster, node) = (Machine::new(), Machine::new());
        // The two machines' links become one wire between them.
        node.sh("ip link del eth0");
        let holder = node.namespace();
        cluster.sh(&format!(
            "ip link set eth0-peer down && ip link set eth0-peer netns {} && nsenter --net={holder} sh -c \
             'ip link set eth0-peer name eth0 && ip addr add 192.0.2.20/24 dev eth0 && ip link set eth0 up \
              && ip route add default via 192.0.2.10'",
            node.holder_pid()
        ));
        Self { cluster, node }
    }

    pub(crate) fn kubeconfig(&self) -> String {
        let text = std::fs::read_to_string(self.cluster.kubeconfig()).expect("reads");
        let there = text.replace("https://127.0.0.1:6443", "https://192.0.2.10:6443");
        self.node.file("kubeconfig", &there)
    }

    pub(crate) fn configuration(&self, mode: &str) -> String {
        let kubeconfig = self.kubeconfig();
        self.node.file(
            "config.conf",
            &format!(
                "apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: {mode}
clusterCIDR: 10.244.0.0/16
hostnameOverride: worker
clientConnection: {{kubeconfig: {kubeconfig}}}
"
            ),
        )
    }

    pub(crate) fn start(&self, config: &str) -> Running {
        let log = std::fs::File::create(self.node.folder().join("proxy.log")).expect("creates");
        let mut command = self.node.command(env!("CARGO_BIN_EXE_tidegate"));
        command
            .args(["proxy", "--config", config])
            .stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(log);
        Running(command.spawn().expect("runs"))
    }

    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(self.node.folder().join("proxy.log")).unwrap_or_default()
    }

    fn rules_lead_to(&self, address: &str) {
        until(&format!("the rules lead to {address}"), || {
            let rules = self.node.sh("nft list ruleset; iptables-save");
            match rules.contains(address) {
                true => Ok(()),
                false => Err(format!("{rules}\n{}", self.said())),
            }
        });
    }
}

pub(crate) const UP: &[&str] = &["--listen", "192.0.2.10:6443"];

#[test]
fn the_proxy_serves_a_cluster_that_runs_elsewhere_and_outlives_its_api() {
    let node = Node::new();
    let up = node.cluster.up(UP);
    node.cluster.apply(WEB);
    let config = node.configuration("nftables");
    let running = node.start(&config);
    node.rules_lead_to("10.96.0.77");
    until("it is well", || {
        match node.node.call("http://127.0.0.1:10256/healthz") {
            Ok(answer) if answer.contains("lastUpdated") => Ok(()),
            other => Err(other),
        }
    });
    let metrics = node
        .node
        .call("http://127.0.0.1:10249/metrics")
        .expect("answers");
    assert!(
        metrics.contains("kubeproxy_sync_proxy_rules_duration_seconds"),
        "{metrics}"
    );
    let configz = node
        .node
        .call("http://127.0.0.1:10249/configz")
        .expect("answers");
    assert!(configz.contains("10.244.0.0/16"), "{configz}");

    // The API goes away: what is known stays. It returns with a change: that comes through.
    up.interrupt();
    assert!(
        node.node
            .sh("nft list table ip tidegate")
            .contains("10.96.0.77")
    );
    let _up = node.cluster.up(UP);
    node.cluster.apply(&WEB.replace("192.0.2.20", "192.0.2.21"));
    node.rules_lead_to("192.0.2.21");

    // Its rules outlive it, as kube-proxy's do, and go when they are asked to.
    drop(running);
    assert!(
        node.node
            .sh("nft list table ip tidegate")
            .contains("10.96.0.77")
    );
    let cleaned = node.node.tidegate(&["proxy", "--cleanup"]);
    assert!(cleaned.status.success(), "{}", text(&cleaned));
    assert_eq!(node.node.sh("nft list tables"), "");
}

#[test]
fn a_changed_file_switches_the_mode_without_a_restart() {
    let node = Node::new();
    let _up = node.cluster.up(UP);
    node.cluster.apply(WEB);
    let config = node.configuration("nftables");
    let mut running = node.start(&config);
    node.rules_lead_to("10.96.0.77");
    node.configuration("iptables");
    until("the mode is iptables", || {
        match node.node.call("http://127.0.0.1:10249/proxyMode") {
            Ok(mode) if mode == "iptables" => Ok(()),
            other => Err(format!("{other:?} {}", node.said())),
        }
    });
    assert!(node.node.sh("iptables-save -t nat").contains("KUBE-SVC-"));
    let broken =
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: fast\n";
    node.node.file("config.conf", broken);
    until("the log says what is wrong with the file", || {
        let said = node.said();
        match said.contains("Invalid value: \"fast\"") {
            true => Ok(()),
            false => Err(said),
        }
    });
    assert!(
        running.0.try_wait().expect("is our child").is_none(),
        "it goes on"
    );
    let mode = node.node.call("http://127.0.0.1:10249/proxyMode");
    assert_eq!(mode.as_deref(), Ok("iptables"));
    drop(running);
    let cleaned = node.node.tidegate(&["proxy", "--cleanup"]);
    assert!(cleaned.status.success(), "{}", text(&cleaned));
    assert!(!node.node.sh("iptables-save").contains("KUBE-"));
}

#[test]
fn wrong_input_is_refused_in_upstreams_words() {
    let machine = Machine::new();
    let file = |text: &str| machine.file("config.conf", text);
    let head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
    let wrong_mode = file(&format!("{head}mode: fast\n"));
    for (flags, code, message) in [
        (
            vec!["--config", &wrong_mode],
            2,
            "Mode.ProxyMode: Invalid value: \"fast\"",
        ),
        (
            vec!["--config", "/no/such/file"],
            2,
            "/no/such/file can't be read",
        ),
        (vec!["--proxy-mode", "fast"], 2, "Invalid value: \"fast\""),
        (
            vec!["--iptables-sync-period", "soon"],
            2,
            "invalid argument \"soon\"",
        ),
        (
            vec!["--kubeconfig", "/no/such/kubeconfig"],
            2,
            "/no/such/kubeconfig",
        ),
        (vec!["--no-such-flag"], 2, "--no-such-flag"),
    ] {
        let mut args = vec!["proxy"];
        args.extend(&flags);
        let output = machine.tidegate(&args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{flags:?}: {}",
            text(&output)
        );
        assert!(
            text(&output).contains(message),
            "{flags:?}: {}",
            text(&output)
        );
    }
}

#[test]
fn the_written_configuration_can_be_read_again() {
    let machine = Machine::new();
    let path = machine.folder().join("written.conf");
    let path = path.to_str().expect("is text");
    let written = machine.tidegate(&[
        "proxy",
        "--write-config-to",
        path,
        "--proxy-mode=ipvs",
        "--cluster-cidr=10.1.0.0/16",
    ]);
    assert!(written.status.success(), "{}", text(&written));
    let text_of_it = std::fs::read_to_string(path).expect("was written");
    assert!(
        text_of_it.contains("mode: ipvs") && text_of_it.contains("clusterCIDR: 10.1.0.0/16"),
        "{text_of_it}"
    );
    let again = machine.tidegate(&["proxy", "--config", path, "--write-config-to", path]);
    assert!(again.status.success(), "{}", text(&again));
    assert_eq!(
        std::fs::read_to_string(path).expect("was written"),
        text_of_it
    );
}
