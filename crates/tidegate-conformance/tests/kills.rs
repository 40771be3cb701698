//! In every mode, a proxy that is killed again and again in the middle of its work disturbs nobody,
//! and the next start repairs.

#![allow(
    clippy::print_stdout,
    reason = "figures are printed, and why a test can't run here"
)]

use std::process::Command;

use tidegate_conformance::UNAVAILABLE;

/// How often the proxy is killed.
const KILLS: u32 = 100;

/// The same in a virtual machine, where each start takes seconds. All hundred take many minutes:
/// `cargo run -p tidegate-conformance -- --mode ipvs --kills 100`.
const KILLS_IN_VM: u32 = 10;

fn survives(mode: &str, kills: u32) {
    let done = Command::new(env!("CARGO_BIN_EXE_tidegate-conformance"))
        .args(["--mode", mode, "--kills", &kills.to_string()])
        .output()
        .expect("the suite starts");
    let printed = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    if done.status.code() == Some(UNAVAILABLE) && std::env::var_os("CI").is_none() {
        println!("not tried here: {errors}");
        return;
    }
    println!("{printed}");
    assert!(done.status.success(), "{errors}");
}

#[test]
fn userspace_survives_a_hundred_kills() {
    survives("userspace", KILLS);
}

#[test]
fn iptables_legacy_survives_a_hundred_kills() {
    survives("iptables-legacy", KILLS);
}

#[test]
fn iptables_nft_survives_a_hundred_kills() {
    survives("iptables-nft", KILLS);
}

#[test]
fn ipvs_survives_kills() {
    survives("ipvs", KILLS_IN_VM);
}

#[test]
fn nftables_survives_a_hundred_kills() {
    survives("nftables", KILLS);
}
