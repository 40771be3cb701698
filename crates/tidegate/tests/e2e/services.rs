//! Services, as a client of theirs sees them.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::machine::Machine;
use crate::wait::until;

/// Longer than a refusal takes; a dropped packet would take longer still.
const LONG: Duration = Duration::from_secs(20);

pub(crate) const HOSTNAMES: &str = include_str!("../../../../examples/hostnames.yaml");

/// Calls until every expected answer was heard; any other answer, or none, fails the test.
fn hear_from_all(machine: &Machine, url: &str, expected: &BTreeSet<String>) {
    let mut heard = BTreeSet::new();
    for _ in 0..200 {
        let answer = machine
            .call(url)
            .unwrap_or_else(|complaint| panic!("{url}: {complaint}"));
        assert!(
            expected.contains(&answer),
            "{url}: answered by {answer:?}, not by one of {expected:?}"
        );
        heard.insert(answer);
        if heard == *expected {
            return;
        }
    }
    panic!("{url}: 200 calls reached {heard:?} only, of {expected:?}");
}

fn names(pods: &[(String, String)]) -> BTreeSet<String> {
    pods.iter().map(|(name, _)| name.clone()).collect()
}

#[test]
fn every_call_to_the_classic_example_is_answered_by_one_of_its_pods() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    let pods = machine.ready_pods("app=hostnames", 3);
    let ip = machine.cluster_ip("hostnames");
    hear_from_all(&machine, &format!("http://{ip}/"), &names(&pods));

    let resolved = machine.sh("dig +short @10.96.0.10 hostnames.default.svc.cluster.local");
    assert_eq!(resolved.trim(), ip);
}

#[test]
fn a_pod_reaches_the_service_by_its_short_name_and_finds_it_in_its_environment() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    let pods = machine.ready_pods("app=hostnames", 3);
    let script = "env; getent hosts hostnames; for i in 1 2 3 4 5 6 7 8 9 10; do curl -sS --noproxy '*' --max-time 5 http://hostnames/; echo; done; echo API says $(curl -sSk --noproxy '*' --max-time 5 https://kubernetes/readyz); echo done; sleep 1000";
    machine.apply(&format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: caller}}\nspec:\n  terminationGracePeriodSeconds: 0\n  containers:\n  - name: sh\n    image: any\n    command: [sh, -c, \"{script}\"]\n"
    ));
    let log = until("the caller is done", || {
        let log = machine.log("caller", "sh");
        if log.lines().any(|line| line == "done") {
            Ok(log)
        } else {
            Err(log)
        }
    });
    let ip = machine.cluster_ip("hostnames");
    assert!(
        log.contains(&format!("HOSTNAMES_SERVICE_HOST={ip}")),
        "{log}"
    );
    assert!(log.contains("HOSTNAMES_SERVICE_PORT=80"), "{log}");
    assert!(log.contains("KUBERNETES_SERVICE_HOST=10.96.0.1"), "{log}");
    assert!(
        log.contains("API says ok"),
        "the pod reaches the API: {log}"
    );
    let answers = log
        .lines()
        .filter(|line| names(&pods).contains(*line))
        .count();
    assert_eq!(answers, 10, "{log}");
}

#[test]
fn a_pod_that_is_its_own_backend_reaches_itself_through_the_service() {
    let machine = Machine::new();
    hear_from_itself(&machine);
}

#[test]
fn a_pod_reaches_itself_also_where_bridges_do_not_consult_the_rules() {
    let machine = Machine::new();
    // Machines differ in this, and whoever runs other bridges on them decides it.
    machine.sh("sysctl -qe net.bridge.bridge-nf-call-iptables=0");
    hear_from_itself(&machine);
}

fn hear_from_itself(machine: &Machine) {
    let _up = machine.up(&[]);
    machine.apply(
        "apiVersion: v1
kind: Pod
metadata: {name: alone, labels: {app: alone}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: serve, image: serve_hostname}
  - name: call
    image: any
    command: [sh, -c, 'while ! curl -sS --noproxy \"*\" --max-time 2 http://self/; do sleep 0.2; done; echo; echo done; sleep 1000']
---
apiVersion: v1
kind: Service
metadata: {name: self}
spec: {selector: {app: alone}, ports: [{port: 80, targetPort: 9376}]}
",
    );
    until("the pod has heard from itself", || {
        let output = machine.log("alone", "call");
        if output.lines().any(|line| line == "alone") {
            Ok(())
        } else {
            Err(output)
        }
    });
}

#[test]
fn a_node_port_answers_an_outsider_and_a_cluster_ip_without_endpoints_refuses_at_once() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&HOSTNAMES.replace(
        "  selector:\n    app: hostnames\n  ports:",
        "  type: NodePort\n  selector:\n    app: hostnames\n  ports:",
    ));
    let pods = machine.ready_pods("app=hostnames", 3);
    let port = machine
        .field("services", "hostnames", "/spec/ports/0/nodePort")
        .expect("allocated");
    hear_from_all(
        &machine,
        &format!("http://192.0.2.10:{port}/"),
        &names(&pods),
    );

    // A neighbour on the same link, in a namespace of its own.
    let mut neighbour = Command::new("unshare")
        .args([
            "--net",
            "--",
            "sh",
            "-c",
            "ip link set lo up; echo; read -r _",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("runs");
    let pid = neighbour.id();
    until("the neighbour has a namespace", || {
        let own = std::fs::read_link("/proc/self/ns/net").expect("reads");
        let its = std::fs::read_link(format!("/proc/{pid}/ns/net")).expect("reads");
        if own == its { Err("not yet") } else { Ok(()) }
    });
    machine.sh(&format!("ip link set eth0-peer netns {pid}"));
    let inside = |line: &str| {
        let output = Command::new("nsenter")
            .args([&format!("--net=/proc/{pid}/ns/net"), "--", "sh", "-c", line])
            .output()
            .expect("runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    inside("ip addr add 192.0.2.1/24 dev eth0-peer && ip link set eth0-peer up");
    let answer = until("the neighbour is answered", || {
        let answer = inside(&format!(
            "curl -sS --noproxy '*' --max-time 5 http://192.0.2.10:{port}/"
        ));
        if names(&pods).contains(&answer) {
            Ok(answer)
        } else {
            Err(answer)
        }
    });
    assert!(names(&pods).contains(&answer));
    drop(neighbour.stdin.take());
    neighbour.wait().expect("ends");

    machine.apply("apiVersion: v1\nkind: Service\nmetadata: {name: empty}\nspec: {selector: {app: nobody}, ports: [{port: 80}]}\n");
    let ip = machine.cluster_ip("empty");
    until("the empty service refuses", || {
        let connected = machine.inside(|| {
            TcpStream::connect_timeout(&format!("{ip}:80").parse().expect("an address"), LONG)
        });
        match connected {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            other => Err(other),
        }
    });
}

#[test]
fn udp_and_both_families_work_like_tcp_and_ipv4() {
    let machine = Machine::new();
    let _up = machine.up(&[
        "--pod-cidr",
        "10.244.0.0/24,fd00:244::/64",
        "--service-cidr",
        "10.96.0.0/16,fd00:96::/112",
    ]);
    machine.apply(
        "apiVersion: apps/v1
kind: Deployment
metadata: {name: echo}
spec:
  replicas: 2
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: agnhost, image: 'registry.k8s.io/e2e-test-images/agnhost:2.40', args: [netexec, --http-port=8080, --udp-port=8081]}
---
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  ipFamilyPolicy: RequireDualStack
  selector: {app: echo}
  ports:
  - {name: http, port: 80, targetPort: 8080}
  - {name: udp, port: 81, targetPort: 8081, protocol: UDP}
",
    );
    let pods = machine.ready_pods("app=echo", 2);
    let ips = machine
        .field("services", "echo", "/spec/clusterIPs")
        .expect("allocated");
    let (four, six) = (
        ips[0].as_str().expect("text"),
        ips[1].as_str().expect("text"),
    );
    hear_from_all(&machine, &format!("http://{four}/hostname"), &names(&pods));
    hear_from_all(&machine, &format!("http://[{six}]/hostname"), &names(&pods));
    for ip in [four, six] {
        let ask = "exec 3<>/dev/udp/$0/81; printf hostname >&3; timeout 5 dd bs=512 count=1 <&3 2>/dev/null";
        let answer = machine.sh(&format!("bash -c '{ask}' {ip}"));
        assert!(names(&pods).contains(answer.trim()), "{answer}");
    }
}
