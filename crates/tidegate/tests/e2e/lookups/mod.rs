//! Names looked up from inside pods, as their programs do it.

use crate::dns_program::DnsProgram;
use crate::machine::{Machine, TIDEGATE, text};
use crate::modes::switch;
use crate::services::HOSTNAMES;
use crate::wait::until;

pub(crate) const CLIENT: &str = "
apiVersion: v1
kind: Pod
metadata: {name: client, labels: {app: client}}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: sleep, image: none, command: [sleep, infinity]}]
";

/// A Service with two DNS servers behind it: the machine's own, and another one beside it.
pub(crate) const TWO_SERVERS: &str = "
apiVersion: v1
kind: Service
metadata: {name: two}
spec: {clusterIP: 10.96.0.99, ports: [{name: dns, protocol: UDP, port: 53}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: two-a, labels: {kubernetes.io/service-name: two}}
addressType: IPv4
ports: [{name: dns, protocol: UDP, port: 53}]
endpoints: [{addresses: [10.244.0.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: two-b, labels: {kubernetes.io/service-name: two}}
addressType: IPv4
ports: [{name: dns, protocol: UDP, port: 5353}]
endpoints: [{addresses: [10.244.0.1]}]
";

/// What the server beside the machine's own does.
pub(crate) const SECOND_SERVER: &str = ".:5353 {\n bind 10.244.0.1\n kubernetes cluster.local\n}\n";

/// Asks pairs of questions, each pair from one port.
pub(crate) const PAIRS: &str = include_str!("pairs.sh");

/// Runs a command in the client pod and gives what it printed; it must succeed.
fn in_pod(machine: &Machine, command: &[&str]) -> String {
    let output = machine
        .command(TIDEGATE)
        .args(["exec", "--data-dir"])
        .arg(machine.data_dir())
        .args(["client", "--"])
        .args(command)
        .env_remove("KUBECONFIG")
        .output()
        .expect("runs");
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn short_and_long_names_are_found_from_inside_a_pod() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.apply(CLIENT);
    machine.ready_pods("app=client", 1);
    machine.ready_pods("app=hostnames", 3);
    let address = machine.cluster_ip("hostnames");
    let resolv = in_pod(&machine, &["cat", "/etc/resolv.conf"]);
    assert!(resolv.contains("nameserver 10.96.0.10"), "{resolv}");
    for name in [
        "hostnames",
        "hostnames.default",
        "hostnames.default.svc",
        "hostnames.default.svc.cluster.local",
        "HOSTNAMES.default",
    ] {
        let found = in_pod(&machine, &["getent", "hosts", name]);
        assert!(found.starts_with(&address), "{name}: {found}");
        let found = in_pod(&machine, &["dig", "+search", "+short", name]);
        assert_eq!(found.trim(), address, "{name}");
    }
    let found = in_pod(&machine, &["getent", "hosts", &address]);
    assert!(
        found.contains("hostnames.default.svc.cluster.local"),
        "{found}"
    );
    let environment = in_pod(&machine, &["env"]);
    assert!(
        environment.contains("KUBERNETES_SERVICE_HOST=10.96.0.1"),
        "{environment}"
    );
    let spelled = format!("{}.default.pod.cluster.local", pod_label(&machine));
    let found = in_pod(&machine, &["dig", "+short", &spelled]);
    assert!(found.starts_with("10.244.0."), "{spelled}: {found}");
}

fn pod_label(machine: &Machine) -> String {
    let (_, address) = machine.ready_pods("app=client", 1).remove(0);
    address.replace('.', "-")
}

#[test]
fn two_questions_from_one_port_are_both_answered_in_every_mode() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(CLIENT);
    machine.apply(TWO_SERVERS);
    machine.ready_pods("app=client", 1);
    let kubeconfig = machine.kubeconfig();
    let kubeconfig = kubeconfig.to_str().expect("is text");
    let _second = DnsProgram::start(&machine, SECOND_SERVER, &["--kubeconfig", kubeconfig]);
    until("the second server answers", || {
        let line =
            "dig +short +time=1 +tries=1 -p 5353 @10.244.0.1 two.default.svc.cluster.local || true";
        match machine.sh(line).trim() {
            "10.96.0.99" => Ok(()),
            other => Err(other.to_owned()),
        }
    });
    for mode in ["nftables", "iptables", "userspace"] {
        switch(&machine, mode);
        until("the Service answers", || {
            let asked = in_pod(
                &machine,
                &[
                    "dig",
                    "+short",
                    "+time=1",
                    "+tries=1",
                    "@10.96.0.99",
                    "two.default.svc.cluster.local",
                ],
            );
            match asked.trim() {
                "10.96.0.99" => Ok(()),
                other => Err(other.to_owned()),
            }
        });
        let good = in_pod(
            &machine,
            &["bash", "-c", PAIRS, "pairs.sh", "10.96.0.99", "53", "200"],
        );
        assert_eq!(good.trim(), "200", "{mode}");
    }
}

#[test]
fn pods_ask_the_server_of_their_node_without_conntrack_where_that_is_wanted() {
    let machine = Machine::new();
    let before = machine.sh("ip -o addr show dev lo; nft list tables");
    let up = machine.up(&["--node-local-dns", "169.254.20.10"]);
    machine.apply(CLIENT);
    machine.ready_pods("app=client", 1);
    let resolv = in_pod(&machine, &["cat", "/etc/resolv.conf"]);
    assert!(resolv.contains("nameserver 169.254.20.10\n"), "{resolv}");
    let found = in_pod(&machine, &["getent", "hosts", "kubernetes.default"]);
    assert!(found.starts_with("10.96.0.1 "), "{found}");
    let other = machine.sh("dig +short +time=5 @10.96.0.10 kubernetes.default.svc.cluster.local");
    assert_eq!(
        other.trim(),
        "10.96.0.1",
        "the cluster DNS address answers too"
    );
    let rules = machine.sh("nft list table ip tidegate-dns");
    assert!(rules.contains("ip daddr 169.254.20.10"), "{rules}");
    let (code, said) = up.interrupt();
    assert_eq!(code, Some(0), "{said}");
    let after = machine.sh("ip -o addr show dev lo; nft list tables");
    assert_eq!(after, before);
}
