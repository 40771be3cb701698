//! `tidegate render`, as someone without root and without a cluster uses it.

use std::process::{Command, Output};

fn render(manifest: &str) -> Output {
    render_in("nftables", manifest)
}

fn render_in(mode: &str, manifest: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("manifest.yaml");
    std::fs::write(&file, manifest).expect("writes");
    Command::new(env!("CARGO_BIN_EXE_tidegate"))
        .args(["render", "--mode", mode, "-f"])
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

#[test]
fn every_mode_renders_in_the_notation_of_its_users() {
    let example = include_str!("../../../examples/hostnames.yaml");
    for (mode, notation) in [
        ("userspace", "10.244.0.2:9376"),
        ("iptables", "-j DNAT --to-destination 10.244.0.2:9376"),
        ("ipvs", ":80 -r 10.244.0.2:9376 -m -w 1"),
        ("nftables", "10.244.0.2 . 9376"),
    ] {
        let output = render_in(mode, example);
        let program = printed(&output);
        assert!(
            output.status.success() && program.contains(notation),
            "{mode}: {program}"
        );
    }
    let unknown = render_in("ebpf", example);
    assert_eq!(unknown.status.code(), Some(2), "{}", printed(&unknown));
}

/// The page for learners has listings below lines such as
/// `<!-- tidegate render --mode iptables -f examples/hostnames.yaml -->`. With the variable
/// `TIDEGATE_WRITE_DOCS` set, they are written anew instead of compared.
#[test]
fn the_page_on_modes_shows_what_render_prints() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let path = format!("{root}/docs/modes.md");
    let page = std::fs::read_to_string(&path).expect("the page is there");
    let mut pieces = page.split("<!-- tidegate ");
    let mut rewritten = pieces.next().expect("a beginning").to_owned();
    for piece in pieces {
        let (command, rest) = piece.split_once(" -->\n```\n").expect("a listing");
        let (_, behind) = rest.split_once("```\n").expect("the listing's end");
        let output = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(command.split_whitespace())
            .current_dir(root)
            .output()
            .expect("runs");
        assert!(output.status.success(), "{command}: {}", printed(&output));
        let listing = String::from_utf8_lossy(&output.stdout);
        rewritten += &format!("<!-- tidegate {command} -->\n```\n{listing}```\n{behind}");
    }
    if std::env::var_os("TIDEGATE_WRITE_DOCS").is_some() {
        std::fs::write(&path, rewritten).expect("writes");
    } else {
        assert!(
            page == rewritten,
            "docs/modes.md shows other programs than render prints: write it anew with TIDEGATE_WRITE_DOCS=1"
        );
    }
}
