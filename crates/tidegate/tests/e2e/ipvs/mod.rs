//! The IPVS mode of `tidegate up`, in a virtual machine whose kernel has IPVS.

use std::path::Path;
use std::process::Command;

use super::lookups::{CLIENT, PAIRS, SECOND_SERVER, TWO_SERVERS};
use super::machine::TIDEGATE;
use super::modes::config_map;
use super::services::HOSTNAMES;

/// What `scripts/in-vm` ends with where there can't be a virtual machine.
const NO_VM: i32 = 69;

/// The libraries that a program needs.
fn libraries(program: &str) -> Vec<String> {
    let output = Command::new("ldd").arg(program).output().expect("ldd runs");
    let listing = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = listing.split_whitespace();
    words
        .filter(|word| word.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

/// The lines of a section that the script printed.
fn section<'a>(printed: &'a str, title: &str) -> Vec<&'a str> {
    let all = printed
        .lines()
        .skip_while(|line| *line != format!("== {title}"));
    all.skip(1)
        .take_while(|line| !line.starts_with("== "))
        .collect()
}

/// Runs the scripts beside this file in a virtual machine, and gives what they printed; or nothing
/// where there can't be a virtual machine.
fn printed_by_the_machine() -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("is text");
    for (name, text) in [
        ("machine.sh", include_str!("machine.sh")),
        ("lookups.sh", include_str!("lookups.sh")),
        ("tutorial.sh", include_str!("tutorial.sh")),
        ("pairs.sh", PAIRS),
        ("Corefile", SECOND_SERVER),
        ("lookups.yaml", &format!("{CLIENT}---{TWO_SERVERS}")),
        ("hostnames.yaml", HOSTNAMES),
        ("ipvs.yaml", &config_map("ipvs")),
        ("nftables.yaml", &config_map("nftables")),
    ] {
        std::fs::write(folder.path().join(name), text).expect("writes");
    }
    let mut files = libraries(TIDEGATE);
    files.extend([TIDEGATE.to_owned(), path.to_owned()]);
    let all = "for script in machine lookups tutorial; do . $2/$script.sh; done";
    let output = Command::new(root.join("scripts/in-vm"))
        .args(["bash", "-c", all, "bash", TIDEGATE, path])
        .env("VM_FILES", files.join(" "))
        .env("VM_MEMORY", "2048")
        .output()
        .expect("scripts/in-vm runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(NO_VM) {
        eprintln!("skipped: there can be no virtual machine here: {said}");
        return None;
    }
    assert!(output.status.success(), "{printed}\n{said}");
    Some(printed)
}

// One machine for both, because to begin takes it longer than all that it is asked to do then.
#[test]
fn ipvs_answers_two_questions_from_one_port_and_shows_what_the_tutorials_show() {
    if let Some(printed) = printed_by_the_machine() {
        check_lookups(&printed);
        check_tutorial(&printed);
    }
}

fn check_lookups(printed: &str) {
    assert_eq!(section(printed, "pairs"), ["200"], "{printed}");
    for server in [" 10.244.0.1:53 ", " 10.244.0.1:5353 "] {
        let mut lines = section(printed, "pairs of each server").into_iter();
        let line = lines.find(|line| line.contains(server));
        let connections = line.and_then(|line| line.split_whitespace().last());
        assert!(
            connections.is_some_and(|count| count != "0"),
            "{server}: {printed}"
        );
    }
}

fn check_tutorial(printed: &str) {
    let ip = section(printed, "cluster IP")[0];
    let device = section(printed, "ip addr show kube-ipvs0").join("\n");
    assert!(
        device.contains("state DOWN") && device.contains(&format!("{ip}/32")),
        "{device}"
    );
    assert!(
        device.contains("10.96.0.1/32"),
        "every cluster IP is there: {device}"
    );

    let servers = section(printed, "ipvsadm -Ln");
    let virtual_server = servers
        .iter()
        .position(|line| *line == format!("TCP  {ip}:80 rr"));
    let place = virtual_server.unwrap_or_else(|| panic!("{printed}"));
    for line in &servers[place + 1..place + 4] {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(
            matches!(words[..], ["->", pod, "Masq", "1", _, _] if pod.ends_with(":9376")),
            "{line}"
        );
    }
    let calls = section(printed, "calls");
    let mut names: Vec<&str> = calls[..3].to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        3,
        "round robin calls each pod once in three calls: {calls:?}"
    );

    assert!(
        section(printed, "another scheduler")[0].ends_with(":80 lc"),
        "{printed}"
    );
    assert!(
        section(printed, "calls in another mode")[0].starts_with("hostnames-"),
        "{printed}"
    );
    let end = section(printed, "the end");
    assert_eq!(end[..2], ["exit code 0", "0"], "{printed}");
    assert!(end[2].contains("does not exist"), "{printed}");
}
