//! A configuration of `tidegate dns` that comes to know a cluster while the server works.

use crate::dns_program::DnsProgram;
use crate::machine::Machine;
use crate::wait::until;

/// Serves a printer, and the cluster if `more` says so.
fn corefile(more: &str) -> String {
    format!(
        ".:5355 {{
            bind 127.0.0.1
            reload 2s
            hosts {{
                192.0.2.7 printer.example.org
                fallthrough
            }}
            {more}
        }}"
    )
}

fn dig(machine: &Machine, name: &str) -> String {
    machine.sh(&format!("dig +tries=1 @127.0.0.1 -p 5355 {name} || true"))
}

fn answers(machine: &Machine, name: &str, address: &str) {
    until("it answers", || {
        let answer = dig(machine, name);
        match answer.contains(&format!("\t{address}\n")) {
            true => Ok(()),
            false => Err(answer),
        }
    });
}

#[test]
fn a_cluster_may_be_added_and_nothing_of_it_is_denied_meanwhile() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let kubeconfig = machine.kubeconfig();
    let kubeconfig = kubeconfig.to_str().expect("is text");
    let _server = DnsProgram::start(&machine, &corefile(""), &["--kubeconfig", kubeconfig]);
    answers(&machine, "printer.example.org", "192.0.2.7");
    machine.file("Corefile", &corefile("kubernetes cluster.local"));
    let name = "kubernetes.default.svc.cluster.local";
    until("the cluster is known", || {
        let answer = dig(&machine, name);
        assert!(!answer.contains("NXDOMAIN"), "{answer}");
        match answer.contains("\t10.96.0.1\n") {
            true => Ok(()),
            false => Err(answer),
        }
    });
}

#[test]
fn a_cluster_to_which_there_is_no_way_is_refused() {
    let machine = Machine::new();
    let server = DnsProgram::start(&machine, &corefile(""), &[]);
    answers(&machine, "printer.example.org", "192.0.2.7");
    let other = "kubernetes cluster.local {\n endpoint https://192.0.2.1:6443\n }";
    machine.file("Corefile", &corefile(other));
    until("it is refused", || {
        let said = server.said();
        let refused = "`kubernetes` leads to another API server than at the start; \
                       start `tidegate dns` anew";
        match said.contains(refused) {
            true => Ok(()),
            false => Err(said),
        }
    });
    answers(&machine, "printer.example.org", "192.0.2.7");
}
