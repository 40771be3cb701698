//! Names, asked with `dig` from the machine and from pods.

use std::net::UdpSocket;

use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::machine::Machine;
use crate::services::HOSTNAMES;
use crate::wait::until;

const HEADLESS: &str = "
apiVersion: v1
kind: Pod
metadata: {name: db-0, labels: {app: db}}
spec:
  hostname: db-0
  subdomain: db
  terminationGracePeriodSeconds: 0
  containers: [{name: serve, image: serve_hostname, ports: [{containerPort: 9376, name: http}]}]
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}, ports: [{name: http, port: 80, targetPort: http}]}
---
apiVersion: v1
kind: Service
metadata: {name: outside}
spec: {type: ExternalName, externalName: db.example.org}
";

fn dig(machine: &Machine, args: &str) -> String {
    machine.sh(&format!("dig +time=5 +tries=1 @10.96.0.10 {args}"))
}

#[test]
fn headless_services_pods_and_external_names_have_their_records() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HEADLESS);
    let pods = machine.ready_pods("app=db", 1);
    let address = &pods[0].1;
    let domain = "default.svc.cluster.local";
    until("the headless name has the pod's address", || {
        let answer = dig(&machine, &format!("+short db.{domain}"));
        if answer.trim() == address {
            Ok(())
        } else {
            Err(answer)
        }
    });
    assert_eq!(
        dig(&machine, &format!("+short db-0.db.{domain}")).trim(),
        address
    );
    assert_eq!(
        dig(&machine, &format!("+short +tcp db-0.db.{domain}")).trim(),
        address
    );
    let srv = dig(&machine, &format!("+short _http._tcp.db.{domain} SRV"));
    assert!(
        srv.trim().ends_with(&format!("9376 db-0.db.{domain}.")),
        "{srv}"
    );
    assert_eq!(
        dig(&machine, &format!("+short -x {address}")).trim(),
        format!("db-0.db.{domain}.")
    );
    assert_eq!(
        dig(&machine, &format!("+short outside.{domain} CNAME")).trim(),
        "db.example.org."
    );
    assert_eq!(
        dig(&machine, "+short -x 10.96.0.1").trim(),
        format!("kubernetes.{domain}.")
    );
}

#[test]
fn a_name_that_is_not_there_is_denied_with_a_start_of_authority() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let answer = dig(&machine, "nobody.default.svc.cluster.local");
    assert!(answer.contains("status: NXDOMAIN"), "{answer}");
    assert!(answer.contains("SOA"), "{answer}");
    let answer = dig(&machine, "kubernetes.default.svc.cluster.local AAAA");
    assert!(
        answer.contains("status: NOERROR") && answer.contains("ANSWER: 0"),
        "{answer}"
    );
}

#[test]
fn other_names_are_asked_of_the_machines_own_resolver() {
    let machine = Machine::new();
    let resolv = machine.file("resolv.conf", "nameserver 127.0.0.2\n");
    let socket = machine.inside(|| UdpSocket::bind("127.0.0.2:53").expect("binds"));
    let _up = machine.up(&["--resolv-conf", &resolv]);
    std::thread::scope(|scope| {
        // The machine's resolver, played by a thread that knows one name.
        scope.spawn(|| answer_the_name(&socket));
        assert_eq!(
            dig(&machine, "+short www.example.org").trim(),
            "203.0.113.9"
        );
    });
}

/// The server also asks whether its questions come back to it, which nobody has to answer.
fn answer_the_name(socket: &UdpSocket) {
    let mut buffer = [0; 1500];
    let (question, client) = loop {
        let (length, client) = socket.recv_from(&mut buffer).expect("is asked");
        let question = Message::from_vec(&buffer[..length]).expect("is a message");
        if question.queries[0].query_type() == RecordType::A {
            break (question, client);
        }
    };
    let mut answer = Message::response(question.metadata.id, question.metadata.op_code);
    let name = question.queries[0].name().clone();
    answer.add_query(question.queries[0].clone());
    answer.add_answer(Record::from_rdata(
        name,
        60,
        RData::A("203.0.113.9".parse().expect("an address")),
    ));
    socket
        .send_to(&answer.to_vec().expect("encodes"), client)
        .expect("answers");
}

#[test]
fn an_endpoint_that_is_gone_is_gone_from_the_next_answer() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(&HOSTNAMES.replace(
        "spec:\n  selector:\n    app: hostnames\n  ports",
        "spec:\n  clusterIP: None\n  selector:\n    app: hostnames\n  ports",
    ));
    let pods = machine.ready_pods("app=hostnames", 3);
    until("three addresses", || {
        let answer = dig(&machine, "+short hostnames.default.svc.cluster.local");
        if answer.lines().count() == 3 {
            Ok(())
        } else {
            Err(answer)
        }
    });
    assert!(
        machine
            .tidegate(&["delete", "pod", &pods[0].0])
            .status
            .success()
    );
    until("the deleted pod's address is gone", || {
        let answer = dig(&machine, "+short hostnames.default.svc.cluster.local");
        if answer.contains(&pods[0].1) {
            Err(answer)
        } else {
            Ok(())
        }
    });
}
