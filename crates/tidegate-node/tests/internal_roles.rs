//! The hidden command line, as a user could hit it by accident.

use std::process::{Command, Stdio};

fn program(args: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_tidegate-node-test-program"))
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("starts")
}

#[test]
fn roles_without_a_node_behind_them_end_at_once() {
    for role in ["shim", "init", "enter", "no-such-role"] {
        let output = program(&["internal", role]);
        assert!(!output.status.success(), "{role}");
    }
}

#[test]
fn a_built_in_image_explains_a_wrong_flag() {
    let output = program(&["internal", "image", "serve_hostname", "--prot=80"]);
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("unknown flag: --prot=80"), "{text}");
}

#[test]
fn an_ordinary_command_line_is_left_to_the_program() {
    assert_eq!(program(&["up"]).status.code(), Some(64));
}
