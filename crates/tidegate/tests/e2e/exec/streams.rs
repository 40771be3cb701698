//! What goes into a command and comes out of it, and how both end.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

use super::{Client, POD, clients, err, out};
use crate::machine::{Machine, text};
use crate::wait::until;

#[test]
fn input_goes_in_and_comes_back_however_much_it_is() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(POD);
    machine.ready_pods("app=box", 1);
    let input: Vec<u8> = (0..10_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let file = machine.folder().join("input");
    fs::write(&file, &input).expect("writes");
    let expected = machine.sh(&format!("sha256sum < {}", file.display()));
    for client in clients() {
        let hash = client.sh(&machine, &["-i"], "cat | sha256sum");
        let hash = with_input(hash, &input);
        assert_eq!(out(&hash), expected, "{client:?}: {}", err(&hash));
        let echo = client.sh(&machine, &["-i"], "cat");
        let echo = with_input(echo, &input);
        assert!(
            echo.stdout == input,
            "{client:?}: {} bytes, {}",
            echo.stdout.len(),
            err(&echo)
        );
        // Whoever reads no further gets its outcome all the same.
        let head = client.sh(&machine, &["-i"], "head -c 5 | wc -c; exit 3");
        let head = with_input(head, &input);
        assert_eq!(
            (out(&head).trim(), head.status.code()),
            ("5", Some(3)),
            "{client:?}: {}",
            err(&head)
        );
    }
}

#[test]
fn a_terminal_is_one_and_knows_its_size() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(POD);
    machine.ready_pods("app=box", 1);
    for (number, client) in clients().into_iter().enumerate() {
        let words = client.words(&machine).join(" ");
        let line = format!("stty rows 31 cols 97; {words} box -c main -i -t -- sh");
        let mut child = machine
            .command("script")
            .args(["-q", "-e", "-f", "-c", &line, "/dev/null"])
            .env("HOME", machine.folder())
            .stdin(Stdio::piped())
            .stdout(fs::File::create(machine.folder().join("screen")).expect("creates"))
            .spawn()
            .expect("runs");
        let mut keys = child.stdin.take().expect("is piped");
        let mut typed = |text: &str| keys.write_all(text.as_bytes()).expect("types");
        let shown = |part: &str| {
            until(&format!("{client:?} shows {part}"), || {
                let screen = fs::read_to_string(machine.folder().join("screen")).expect("reads");
                if screen.contains(part) {
                    Ok(())
                } else {
                    Err(screen)
                }
            });
        };
        // The size arrives a moment after the start.
        typed("until [ \"$(stty size)\" = '31 97' ]; do sleep 0.1; done; echo size-$((30+1))\n");
        shown("size-31");
        typed("tty; echo TERM is $TERM\n");
        shown("/dev/pts/0");
        shown("TERM is xterm");
        let sleep = format!("10{number}88");
        typed(&format!("sleep {sleep}\n"));
        until_sleep(&machine, &sleep, true);
        // The interrupt ends the child and not the shell.
        typed("\x03");
        until_sleep(&machine, &sleep, false);
        typed("exit 5\n");
        let status = child.wait().expect("ends");
        assert_eq!(status.code(), Some(5), "{client:?}");
    }
}

#[test]
fn a_command_ends_with_its_client_and_with_its_container() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    machine.apply(POD);
    machine.ready_pods("app=box", 1);
    for (number, client) in clients().into_iter().enumerate() {
        let mark = format!("10{number}77");
        let begin = || -> Child {
            let mut command =
                client.command(&machine, &["box", "-c", "main", "-i", "--", "sleep", &mark]);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .expect("runs")
        };
        let mut child = begin();
        until_sleep(&machine, &mark, true);
        child.kill().expect("is our child");
        child.wait().expect("ends");
        until_sleep(&machine, &mark, false);
    }
    let mut last =
        Client::Tidegate.command(&machine, &["box", "-c", "main", "--", "sleep", "10977"]);
    let last = last.stderr(Stdio::piped()).spawn().expect("runs");
    until_sleep(&machine, "10977", true);
    machine.tidegate(&["delete", "pod", "box"]);
    let ended = last.wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(137), "{}", text(&ended));
    assert_eq!(up.interrupt().0, Some(0));
}

fn with_input(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut stdin = child.stdin.take().expect("is piped");
    std::thread::scope(|scope| {
        // A command that ends early reads not all of it.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().expect("ends")
    })
}

/// Waits until a sleep of so many seconds runs, or doesn't run any more. Numbers tell tests apart:
/// all processes of the host are seen.
fn until_sleep(machine: &Machine, seconds: &str, runs: bool) {
    until(&format!("`sleep {seconds}` runs: {runs}"), || {
        let listed = machine.sh(&format!(
            "ps -e -o args= | grep -c '^sleep {seconds}$' || true"
        ));
        if (listed.trim() == "1") == runs {
            Ok(())
        } else {
            Err(listed)
        }
    });
}
