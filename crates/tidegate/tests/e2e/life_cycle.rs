//! Starting, ending, and starting again.

use crate::machine::{Machine, text};
use crate::services::HOSTNAMES;
use crate::wait::until;

#[test]
fn objects_and_services_survive_a_kill() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    let ip = machine.cluster_ip("hostnames");
    up.kill();

    let _up = machine.up(&[]);
    assert_eq!(
        machine.cluster_ip("hostnames"),
        ip,
        "an acknowledged object is there again"
    );
    let pods = machine.ready_pods("app=hostnames", 3);
    until("the service answers again", || {
        match machine.call(&format!("http://{ip}/")) {
            Ok(name) if pods.iter().any(|(pod, _)| *pod == name) => Ok(()),
            other => Err(other),
        }
    });
}

#[test]
fn a_second_process_on_the_same_directory_is_refused_by_name() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    let second = machine.tidegate(&["up", "--listen", "127.0.0.1:7443"]);
    let said = text(&second);
    assert_eq!(second.status.code(), Some(4), "{said}");
    assert!(
        said.contains(&machine.data_dir().display().to_string()),
        "{said}"
    );
    assert!(said.contains(&up.pid().to_string()), "{said}");
    let (code, said) = up.interrupt();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn an_exit_takes_the_rules_along_unless_it_is_told_to_keep_them() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    assert!(machine.sh("nft list tables").contains("tidegate"));
    up.interrupt();
    assert_eq!(machine.sh("nft list tables").trim(), "");

    let up = machine.up(&["--keep-rules"]);
    up.interrupt();
    assert!(machine.sh("nft list tables").contains("ip tidegate"));
}

#[test]
fn an_interrupt_that_arrives_twice_at_once_is_one() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    up.signal("INT");
    let (code, said) = up.interrupt();
    assert_eq!(code, Some(0), "{said}");
    assert!(!machine.sh("ip -o link").contains("tidegate0"), "{said}");
}

#[test]
fn rules_that_somebody_deleted_come_back() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    let url = format!("http://{}/", machine.cluster_ip("hostnames"));
    until("the service answers", || machine.call(&url));
    machine.sh("nft delete table ip tidegate");
    until("an audit brings the rules back", || machine.call(&url));
}
