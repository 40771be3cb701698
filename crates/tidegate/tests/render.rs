//! `tidegate render`, as someone without root and without a cluster uses it.

use std::process::{Command, Output};

fn render(manifest: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("manifest.yaml");
    std::fs::write(&file, manifest).expect("writes");
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["render", "--mode", "nftables", "-f"])
        .arg(&file)
        .output()
        .expect("runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn the_classic_example_becomes_a_program_with_its_three_backends() {
    let output = render(include_str!("../../../examples/hostnames.yaml"));
    let program = printed(&output);
    assert!(output.status.success(), "{program}");
    assert!(program.contains("table ip tidegate"), "{program}");
    for backend in [
        "10.244.0.2 . 9376",
        "10.244.0.3 . 9376",
        "10.244.0.4 . 9376",
    ] {
        assert_eq!(
            program.matches(backend).count(),
            1,
            "{backend} in\n{program}"
        );
    }
    assert!(
        program.contains("assumed: Service hostnames has the cluster IP 10.96."),
        "{program}"
    );
}

#[test]
fn the_same_manifests_give_the_same_program() {
    let example = include_str!("../../../examples/hostnames.yaml");
    assert_eq!(render(example).stdout, render(example).stdout);
}

#[test]
fn a_service_that_no_cluster_would_take_is_refused_with_its_place() {
    let output = render(
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 0}]}\n",
    );
    let said = printed(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("manifest.yaml:1: Service \"web\" is invalid: "),
        "{said}"
    );
}
