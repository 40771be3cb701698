//! Every mode does what the table in the documentation says of it, no more and no less.

#![allow(clippy::print_stdout, reason = "a test that can't run here says why")]

use std::process::Command;

use tidegate_conformance::UNAVAILABLE;

/// Runs the suite for one mode against the page.
fn does_what_the_table_says(mode: &str) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/conformance.md");
    let done = Command::new(env!("CARGO_BIN_EXE_tidegate-conformance"))
        .args(["--mode", mode, "--check", page])
        .output()
        .expect("the suite starts");
    let printed = String::from_utf8_lossy(&done.stdout);
    let errors = String::from_utf8_lossy(&done.stderr);
    let lines = printed.lines().chain(errors.lines());
    // What goes well says nothing new.
    let telling: Vec<&str> = lines.filter(|line| !line.ends_with(": pass")).collect();
    if done.status.code() == Some(UNAVAILABLE) && std::env::var_os("CI").is_none() {
        println!("not tried here: {}", telling.join("\n"));
        return;
    }
    assert!(done.status.success(), "{}", telling.join("\n"));
}

#[test]
fn userspace_does_what_the_table_says() {
    does_what_the_table_says("userspace");
}

#[test]
fn iptables_legacy_does_what_the_table_says() {
    does_what_the_table_says("iptables-legacy");
}

#[test]
fn iptables_nft_does_what_the_table_says() {
    does_what_the_table_says("iptables-nft");
}

#[test]
fn ipvs_does_what_the_table_says() {
    does_what_the_table_says("ipvs");
}

#[test]
fn nftables_does_what_the_table_says() {
    does_what_the_table_says("nftables");
}
