//! Wrong input gets a clear error, and loses nothing.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::machine::{Machine, text};

/// Runs a command that must fail with a code, and gives what it said.
fn refused(machine: &Machine, args: &[&str], code: i32) -> String {
    let output = machine.tidegate(args);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
    said
}

#[test]
fn wrong_manifests_are_told_with_file_and_line_and_change_nothing() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: good}\n---\n";
    for (name, document, code, words) in [
        (
            "malformed.yaml",
            "apiVersion: v1\nkind: [\nmetadata: x: y\n",
            2,
            "malformed.yaml:7: not valid YAML",
        ),
        (
            "kind.yaml",
            "apiVersion: v1\nkind: Servcie\nmetadata: {name: a}\n",
            2,
            "kind.yaml:5: the server has no kind \"Servcie of v1\"",
        ),
        (
            "nameless.yaml",
            "apiVersion: v1\nkind: Service\n",
            2,
            "nameless.yaml:5: metadata.name is missing",
        ),
    ] {
        let file = machine.file(name, &format!("{good}{document}"));
        let said = refused(&machine, &["apply", "-f", &file], code);
        assert!(said.contains(words), "{said}");
        refused(&machine, &["get", "configmap", "good"], 1);
    }
}

#[test]
fn an_invalid_service_is_refused_in_upstreams_words() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    for (spec, message) in [
        (
            "{ports: [{port: 0}]}",
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            "{}",
            "Service \"web\" is invalid: spec.ports: Required value",
        ),
        (
            "{clusterIP: 10.97.0.1, ports: [{port: 80}]}",
            "failed to allocate IP 10.97.0.1: the provided network does not match the current range",
        ),
        ("{ports: [{port: 80}], selectr: {a: b}}", "selectr"),
    ] {
        let file = machine.file(
            "web.yaml",
            &format!("apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {spec}\n"),
        );
        let said = refused(&machine, &["apply", "-f", &file], 1);
        assert!(said.contains(message), "{said}");
        assert!(said.contains("web.yaml:1"), "{said}");
    }
}

#[test]
fn without_root_it_says_so() {
    let machine = Machine::new();
    let binary = env!("CARGO_BIN_EXE_tidegate");
    // A place that the other user can reach, whatever the build directory's rights are.
    let copy = machine.folder().join("tidegate");
    std::fs::copy(binary, &copy).expect("copies");
    std::fs::set_permissions(machine.folder(), std::fs::Permissions::from_mode(0o755))
        .expect("sets");
    let output = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&copy)
        .args(["up", "--data-dir", "/tmp/tidegate-of-nobody"])
        .output()
        .expect("runs");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("root"), "{said}");
}

#[test]
fn root_without_the_right_to_change_the_network_is_told_which_right() {
    let machine = Machine::new();
    let output = machine
        .command("setpriv")
        .args([
            "--bounding-set",
            "-net_admin",
            "--inh-caps",
            "-net_admin",
            env!("CARGO_BIN_EXE_tidegate"),
            "up",
            "--data-dir",
        ])
        .arg(machine.data_dir())
        .output()
        .expect("runs");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("CAP_NET_ADMIN"), "{said}");
}

#[test]
fn a_kernel_without_control_groups_in_reach_is_told_what_to_mount() {
    let machine = Machine::new();
    // In a mount namespace of its own, where the control groups are unmounted.
    let script = "for at in $(grep ' - cgroup2 ' /proc/self/mountinfo | cut -d' ' -f5); do umount -l $at; done; exec \"$@\"";
    let output = machine
        .command("unshare")
        .args([
            "--mount",
            "--",
            "sh",
            "-c",
            script,
            "sh",
            env!("CARGO_BIN_EXE_tidegate"),
            "up",
            "--data-dir",
        ])
        .arg(machine.data_dir())
        .output()
        .expect("runs");
    let said = text(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("cgroup") && said.contains("mount"), "{said}");
    assert!(!machine.sh("ip -o link").contains("tidegate0"), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out_and_nothing_is_left() {
    let machine = Machine::new();
    let _squatter =
        machine.inside(|| std::net::TcpListener::bind("127.0.0.1:6443").expect("binds"));
    let said = refused(&machine, &["up"], 3);
    assert!(said.contains("6443") && said.contains("--listen"), "{said}");
    assert!(!machine.sh("ip -o link").contains("tidegate0"));
}

#[test]
fn a_dns_port_that_is_taken_is_named_and_nothing_is_left() {
    let machine = Machine::new();
    let _squatter = machine.inside(|| std::net::UdpSocket::bind("0.0.0.0:53").expect("binds"));
    let said = refused(&machine, &["up"], 3);
    assert!(said.contains(":53"), "{said}");
    assert!(!machine.sh("ip -o link").contains("tidegate0"));
}

#[test]
fn a_range_that_overlaps_the_machines_own_is_refused_with_both_named() {
    let machine = Machine::new();
    for flags in [
        ["--pod-cidr", "192.0.2.0/24"],
        ["--service-cidr", "192.0.0.0/16"],
    ] {
        let said = refused(&machine, &["up", flags[0], flags[1]], 3);
        assert!(
            said.contains("192.0.2.") && said.contains(flags[0]) && said.contains(flags[1]),
            "{said}"
        );
    }
}

#[test]
fn a_damaged_data_directory_is_refused_and_left_as_it_is() {
    let machine = Machine::new();
    machine.up(&[]).interrupt();
    let store = std::fs::read_dir(machine.data_dir())
        .expect("reads")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            path.extension()
                .is_some_and(|extension| extension == "redb")
        })
        .expect("a store");
    let damaged = vec![0x5a; 70_000];
    std::fs::write(&store, &damaged).expect("writes");
    let said = refused(&machine, &["up"], 4);
    assert!(said.contains(store.to_str().expect("text")), "{said}");
    assert_eq!(std::fs::read(&store).expect("reads"), damaged);
}

#[test]
fn a_full_disk_refuses_writes_by_name_and_loses_nothing() {
    let machine = Machine::new();
    std::fs::create_dir(machine.data_dir()).expect("creates");
    let mount = machine.data_dir();
    let mount = mount.to_str().expect("text");
    assert!(
        Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "none", mount])
            .status()
            .expect("runs")
            .success()
    );
    let outcome = std::panic::catch_unwind(|| {
        let up = machine.up(&[]);
        machine.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: before}\n");
        let filler = machine.data_dir().join("filler");
        let _full = std::fs::write(&filler, vec![0; 8 << 20]);
        // Space that the file has already is used up first.
        let said = (0..20).find_map(|number| {
            let map = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big-{number}}}\ndata: {{text: {}}}\n", "x".repeat(200_000));
            let file = machine.file("big.yaml", &map);
            let output = machine.tidegate(&["apply", "-f", &file]);
            (!output.status.success()).then(|| text(&output))
        });
        let said = said.expect("a full disk refuses");
        assert!(said.contains(mount), "{said}");
        std::fs::remove_file(&filler).expect("removes");
        machine.apply("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: after}\n");
        for name in ["before", "after"] {
            assert_eq!(
                machine.tidegate(&["get", "configmap", name]).status.code(),
                Some(0),
                "{name}"
            );
        }
        up.interrupt();
    });
    assert!(
        Command::new("umount")
            .arg(mount)
            .status()
            .expect("runs")
            .success()
    );
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}
