//! The IPVS mode of `tidegate up`, in a virtual machine whose kernel has IPVS.

use std::path::Path;
use std::process::Command;

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

#[test]
fn ipvs_shows_what_the_tutorials_show() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tidegate = env!("CARGO_BIN_EXE_tidegate");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("is text");
    for (name, text) in [
        ("tutorial.sh", include_str!("tutorial.sh")),
        ("hostnames.yaml", HOSTNAMES),
        ("ipvs.yaml", &config_map("ipvs")),
        ("nftables.yaml", &config_map("nftables")),
    ] {
        std::fs::write(folder.path().join(name), text).expect("writes");
    }
    let mut files = libraries(tidegate);
    files.extend([tidegate.to_owned(), path.to_owned()]);
    let output = Command::new(root.join("scripts/in-vm"))
        .args(["bash", &format!("{path}/tutorial.sh"), tidegate, path])
        .env("VM_FILES", files.join(" "))
        .env("VM_MEMORY", "2048")
        .output()
        .expect("scripts/in-vm runs");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(NO_VM) {
        eprintln!("skipped: there can be no virtual machine here: {said}");
        return;
    }
    assert!(output.status.success(), "{printed}\n{said}");

    let ip = section(&printed, "cluster IP")[0];
    let device = section(&printed, "ip addr show kube-ipvs0").join("\n");
    assert!(
        device.contains("state DOWN") && device.contains(&format!("{ip}/32")),
        "{device}"
    );
    assert!(
        device.contains("10.96.0.1/32"),
        "every cluster IP is there: {device}"
    );

    let servers = section(&printed, "ipvsadm -Ln");
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
    let calls = section(&printed, "calls");
    let mut names: Vec<&str> = calls[..3].to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(
        names.len(),
        3,
        "round robin calls each pod once in three calls: {calls:?}"
    );

    assert!(
        section(&printed, "another scheduler")[0].ends_with(":80 lc"),
        "{printed}"
    );
    assert!(
        section(&printed, "calls in another mode")[0].starts_with("hostnames-"),
        "{printed}"
    );
    let end = section(&printed, "the end");
    assert_eq!(end[..2], ["exit code 0", "0"], "{printed}");
    assert!(end[2].contains("does not exist"), "{printed}");
}
