//! Programs that tests run.

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs a command in the calling thread's network namespace and gives what it printed.
pub fn run(line: &str) -> String {
    run_with_input(line, "")
}

/// Runs a command that reads `input`, in the calling thread's network namespace, and gives what it
/// printed.
pub fn run_with_input(line: &str, input: &str) -> String {
    let mut words = line.split_whitespace();
    let program = words.next().expect("a command");
    let started = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    if let Some(mut stdin) = child.stdin.take() {
        // A command that doesn't read its input says what is wrong by itself.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().expect("it can be waited for");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {errors}{input}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A listing as a sorted list of words, since `nft` breaks lines where it likes and sorts elements
/// by a rule of its own.
pub fn words(listing: &str) -> Vec<String> {
    let mut words: Vec<String> = listing
        .split_whitespace()
        .map(|word| word.trim_end_matches(',').to_owned())
        .collect();
    words.sort();
    words
}
