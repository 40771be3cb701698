//! What this crate makes of virtual servers and dummy devices is what `ipvsadm` and `ip` find in the
//! kernel, and what it reads back.
//!
//! Few machines that tests run on have IPVS. So these tests run in a virtual machine: one test
//! starts it, with this program in it, which runs the others there.

mod changes;
mod dummy;
mod examples;
mod listing;
#[path = "../support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::process::Command;

use support::{own_namespace, run};
use tidegate_netlink::Protocol;
use tidegate_netlink::ipvs::{Change, Ipvs, VirtualAddress};

/// Says that no virtual machine can be had here.
const NO_MACHINE: i32 = 69;

#[test]
#[allow(clippy::print_stdout, reason = "what a test in the machine prints")]
fn all_of_this_holds_in_a_machine_that_has_ipvs() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/in-vm");
    let program = std::env::current_exe().expect("a program knows itself");
    let output = Command::new(script)
        .arg(program)
        .args(["--ignored", "--test-threads", "1"])
        // However slow the machine is that emulates another one.
        .env("VM_TIMEOUT", "900")
        .output()
        .expect("scripts/in-vm is there");
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if output.status.code() == Some(NO_MACHINE) {
        println!("not tested: IPVS, since no virtual machine can be had: {complained}");
        return;
    }
    println!("{said}\n{complained}");
    assert!(output.status.success(), "{:?}", output.status);
    assert!(
        said.contains("0 failed; 0 ignored") && !said.contains(" 0 passed"),
        "{said}"
    );
}

fn open() -> Ipvs {
    own_namespace();
    // Before a namespace has its first address, IPVS takes none of IPv4 for a real server's.
    run("ip link set lo up");
    Ipvs::open().expect("the machine has IPVS")
}

fn port(protocol: Protocol, address: &str) -> VirtualAddress {
    let address = address.parse().expect("an address and port");
    VirtualAddress::Port { protocol, address }
}

fn at(address: &str) -> SocketAddr {
    address.parse().expect("an address and port")
}

/// Changes all of which the kernel accepts.
fn change(ipvs: &mut Ipvs, changes: &[Change]) {
    let refused = ipvs.change(changes).expect("sent");
    if let Some(refusal) = refused.first() {
        let others = refused.len() - 1;
        panic!("{}: {refusal} (and {others} more)", changes[refusal.index]);
    }
}
