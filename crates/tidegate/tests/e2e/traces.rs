//! Nothing is left behind, and nothing of others is touched.

use crate::machine::{Machine, text};
use crate::services::HOSTNAMES;

/// Everything on a machine that tidegate may add to: links, routes, rules and their neighbours.
fn state(machine: &Machine) -> String {
    machine.sh("ip -o link | cut -d: -f2; ip -o addr | awk '{print $2, $4}'; ip route; ip -6 route; nft list ruleset")
}

fn mounts_below(machine: &Machine) -> usize {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("reads");
    mounts
        .lines()
        .filter(|line| line.contains(&machine.data_dir().display().to_string()))
        .count()
}

fn processes_of(machine: &Machine) -> String {
    let pattern = machine.data_dir().display().to_string();
    machine.sh(&format!("pgrep -af '{pattern}' | grep -v pgrep || true"))
}

#[test]
fn an_exit_leaves_the_machine_as_it_was() {
    let machine = Machine::new();
    machine.sh(
        "nft 'add table ip others; add chain ip others mine { type nat hook output priority 0; }'",
    );
    let before = state(&machine);
    let up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    assert_ne!(state(&machine), before);
    let (code, said) = up.interrupt();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(state(&machine), before);
    assert_eq!(processes_of(&machine), "");
    assert_eq!(mounts_below(&machine), 0);
}

#[test]
fn cleanup_removes_what_a_killed_process_left() {
    let machine = Machine::new();
    machine.sh(
        "nft 'add table ip others; add chain ip others mine { type nat hook output priority 0; }'",
    );
    let before = state(&machine);
    let up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    up.kill();
    assert_ne!(state(&machine), before);
    for round in ["removes", "finds nothing more to remove"] {
        let output = machine.tidegate(&["cleanup"]);
        assert!(output.status.success(), "{round}: {}", text(&output));
        assert_eq!(state(&machine), before, "{round}");
        assert_eq!(processes_of(&machine), "", "{round}");
        assert_eq!(mounts_below(&machine), 0, "{round}");
    }
}
