//! The mode with a real kernel and real packets.
//!
//! IPVS and dummy devices are missing in many kernels that tests run on, so these tests run in a
//! small virtual machine, all in one boot. The tests in the modules are marked `ignore`: the one
//! below runs them in the machine.

mod draining;
mod policies;
mod support;
mod traffic;
mod upkeep;

use std::process::Command;

#[test]
fn everything_else_here_passes_in_a_virtual_machine() {
    let in_vm = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/in-vm");
    let this = std::env::current_exe().expect("this test has a path");
    let only = std::env::var("TIDEGATE_TEST_ONLY").unwrap_or_default();
    let mut command = Command::new(in_vm);
    command
        .arg(this)
        .args(["--ignored", "--test-threads", "1", &only]);
    command.envs([
        ("INSTA_UPDATE", "no"),
        ("INSTA_WORKSPACE_ROOT", "/"),
        ("VM_TIMEOUT", "1800"),
    ]);
    let ran = command.output().expect("the script can be run");
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    match ran.status.code() {
        Some(0) => {}
        Some(69) if std::env::var_os("CI").is_none() => {
            use std::io::Write as _;
            let _ = writeln!(
                std::io::stderr(),
                "not run for want of a virtual machine: {complained}"
            );
        }
        code => panic!("the virtual machine's exit code is {code:?}\n{said}\n{complained}"),
    }
}
