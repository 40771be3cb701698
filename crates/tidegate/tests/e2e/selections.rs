//! Server blocks that know a part of the cluster only.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::machine::Machine;
use crate::wait::until;

/// Services with and without a label, in namespaces with and without one.
const CLUSTER: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: shop}}
---
apiVersion: v1
kind: Namespace
metadata: {name: bank, labels: {team: bank}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {reach: public}}
spec: {clusterIP: 10.96.1.1, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop, labels: {reach: private}}
spec: {clusterIP: 10.96.1.2, ports: [{name: sql, port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: bank, labels: {reach: public}}
spec: {clusterIP: 10.96.1.3, ports: [{name: http, port: 80}]}
";

/// A headless Service, whose addresses are in a slice with the Service's labels.
const HEADLESS: &str = "
apiVersion: v1
kind: Service
metadata: {name: nodes, namespace: shop, labels: {reach: public}}
spec: {clusterIP: None, ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: nodes-a, namespace: shop, labels: {kubernetes.io/service-name: nodes, reach: public}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.244.9.1]}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: nodes-b, namespace: shop, labels: {kubernetes.io/service-name: nodes}}
addressType: IPv4
ports: [{name: http, port: 80}]
endpoints: [{addresses: [10.244.9.2]}]
";

/// Serves all of the cluster as `cluster.local` and a part of it as `part.local`.
fn serve(machine: &Machine, selection: &str) {
    machine.apply(&format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: coredns, namespace: kube-system}}
data:
  Corefile: |
    cluster.local {{
        kubernetes
        prometheus 127.0.0.1:9153
    }}
    part.local 10.96.0.0/16 {{
        kubernetes part.local 10.96.0.0/16 {{
            {selection}
        }}
    }}
"
    ));
}

fn dig(machine: &Machine, question: &str) -> String {
    machine.sh(&format!("dig +time=5 +tries=1 @10.96.0.10 {question}"))
}

/// Waits for addresses or names, or for a name's absence where none are given.
fn becomes(machine: &Machine, question: &str, expected: &str) {
    until(&format!("{question} is {expected:?}"), || {
        let answer = dig(machine, question);
        let lines = answer.lines().filter(|line| line.contains("\tIN\t"));
        let records = lines.filter(|line| !line.starts_with(';') && !line.contains("\tSOA\t"));
        let mut values: Vec<&str> = records
            .filter_map(|line| line.split('\t').next_back())
            .collect();
        values.sort_unstable();
        let is_there = answer.contains("status: NOERROR");
        let is_absent = answer.contains("status: NXDOMAIN");
        match values.join(" ") == expected && (is_there || expected.is_empty() && is_absent) {
            true => Ok(()),
            false => Err(answer),
        }
    });
}

fn label(machine: &Machine, object: &str, label: &str) {
    machine.kubectl(&["-n", "shop", "label", "--overwrite", object, label]);
}

#[test]
fn only_matching_services_of_matching_namespaces_are_answered_while_they_match() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(CLUSTER);
    machine.apply(HEADLESS);
    serve(
        &machine,
        "labels reach=public\n            namespace_labels team=shop",
    );
    becomes(&machine, "web.shop.svc.part.local", "10.96.1.1");
    becomes(&machine, "-x 10.96.1.1", "web.shop.svc.part.local.");
    becomes(&machine, "nodes.shop.svc.part.local", "10.244.9.1");
    for hidden in [
        "db.shop.svc.part.local",
        "web.bank.svc.part.local",
        "bank.svc.part.local",
        "-x 10.96.1.2",
        "-x 10.96.1.3",
    ] {
        becomes(&machine, hidden, "");
    }
    // The other block knows everything.
    for (whole, address) in [
        ("web.shop.svc.cluster.local", "10.96.1.1"),
        ("db.shop.svc.cluster.local", "10.96.1.2"),
        ("web.bank.svc.cluster.local", "10.96.1.3"),
        ("nodes.shop.svc.cluster.local", "10.244.9.1 10.244.9.2"),
    ] {
        becomes(&machine, whole, address);
    }

    label(&machine, "service/db", "reach=public");
    becomes(&machine, "db.shop.svc.part.local", "10.96.1.2");
    label(&machine, "service/web", "reach=private");
    becomes(&machine, "web.shop.svc.part.local", "");
    becomes(&machine, "-x 10.96.1.1", "");

    label(&machine, "namespace/bank", "team=shop");
    becomes(&machine, "web.bank.svc.part.local", "10.96.1.3");
    label(&machine, "namespace/shop", "team=other");
    becomes(&machine, "db.shop.svc.part.local", "");
    becomes(&machine, "shop.svc.part.local", "");
    becomes(&machine, "db.shop.svc.cluster.local", "10.96.1.2");
}

/// Ends whoever asks, also when the test fails.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks for `web.shop.svc.part.local` until it is told to stop, and gives the replies that aren't its
/// address.
fn ask_until(stop: &AtomicBool) -> Vec<String> {
    let mut query = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend(b"\x03web\x04shop\x03svc\x04part\x05local\0\0\x01\0\x01");
    let mut wrong = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a port");
        let patience = Some(Duration::from_secs(20));
        socket.set_read_timeout(patience).expect("is not zero");
        socket.connect("10.96.0.10:53").expect("connects");
        let mut reply = [0; 512];
        let answered = socket.send(&query).and_then(|_| socket.recv(&mut reply));
        match answered {
            Ok(length) if reply[..length].ends_with(&[10, 96, 1, 1]) => {}
            Ok(length) => wrong.push(format!("{:?}", &reply[..length])),
            Err(error) => wrong.push(error.to_string()),
        }
    }
    wrong
}

#[test]
fn a_name_in_both_selections_is_answered_without_a_gap_while_they_change() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(CLUSTER);
    serve(&machine, "labels reach=public");
    becomes(&machine, "web.shop.svc.part.local", "10.96.1.1");
    let stop = AtomicBool::new(false);
    let wrong = std::thread::scope(|scope| {
        let asking = scope.spawn(|| machine.inside(|| ask_until(&stop)));
        let stopping = Stop(&stop);
        for _ in 0..5 {
            serve(&machine, "namespace_labels team=shop");
            becomes(&machine, "db.shop.svc.part.local", "10.96.1.2");
            serve(&machine, "labels reach=public");
            becomes(&machine, "db.shop.svc.part.local", "");
        }
        drop(stopping);
        asking.join().expect("no panic")
    });
    assert!(wrong.is_empty(), "{} replies: {}", wrong.len(), wrong[0]);
}

#[test]
fn another_selection_takes_effect_while_the_server_works() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(CLUSTER);
    serve(&machine, "labels reach=private");
    becomes(&machine, "db.shop.svc.part.local", "10.96.1.2");
    becomes(&machine, "web.shop.svc.part.local", "");
    serve(&machine, "namespace_labels team in (bank, other)");
    becomes(&machine, "web.bank.svc.part.local", "10.96.1.3");
    becomes(&machine, "db.shop.svc.part.local", "");
    serve(&machine, "ttl 7");
    becomes(&machine, "db.shop.svc.part.local", "10.96.1.2");
    becomes(&machine, "web.bank.svc.part.local", "10.96.1.3");
}
