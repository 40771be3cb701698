//! A comparison from the command line to the files that it leaves.

use std::process::Command;

use serde_json::Value;

/// Runs the program and gives what it printed; it must succeed.
fn compare(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_tidegate-compare"))
        .args(arguments)
        .output()
        .expect("it can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_quick_comparison_leaves_figures_tables_and_plots() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (json, markdown) = (path("modes.json"), path("modes.md"));
    let printed = compare(&[
        "--quick",
        "--modes",
        "nftables",
        "--services",
        "1,20",
        "--json",
        &json,
        "--markdown",
        &markdown,
        "--plots",
        &path(""),
    ]);

    let results = std::fs::read_to_string(&json).expect("the figures");
    let results: Value = serde_json::from_str(&results).expect("JSON");
    let peers = results["peers"].as_array().expect("competitors");
    let names: Vec<_> = peers.iter().map(|peer| &peer["name"]).collect();
    assert_eq!(names[..2], ["direct", "direct, tracked"]);
    let mode = peers
        .iter()
        .find(|peer| peer["name"] == "nftables" && peer["services"] == 20);
    let mode = mode.expect("the mode took part");
    for place in ["first", "last"] {
        let traffic = &mode[place];
        for rounds in [
            &traffic["answer_p50"],
            &traffic["connections"]["per_second"],
        ] {
            let rounds = rounds.as_array().expect("rounds");
            assert_eq!(rounds.len(), 3);
            assert!(
                rounds.iter().all(|figure| figure.as_f64() > Some(0.0)),
                "{rounds:?}"
            );
        }
        assert_eq!(traffic["connections"]["failed"], 0);
    }
    assert!(mode["programming"]["program_seconds"].as_f64() > Some(0.0));

    assert_eq!(
        std::fs::read_to_string(markdown).expect("the page"),
        printed
    );
    assert!(printed.contains("| nftables: one endpoint's change at 20 Services | under 5 ms |"));
    for plot in ["latency", "connections", "programming", "change"] {
        let svg = std::fs::read_to_string(path(&format!("{plot}.svg"))).expect("a plot");
        assert!(svg.contains("nftables"), "{svg}");
    }

    // What was kept shows the same again, beside another machine's.
    let again = compare(&[
        "--from",
        &json,
        "--beside",
        &json,
        "--plots",
        &path("again"),
    ]);
    assert!(again.starts_with(&printed));
    assert!(again.contains("(vm-latency.svg)"));
    assert!(directory.path().join("again/vm-latency.svg").exists());
}

#[test]
#[expect(clippy::print_stderr, reason = "a test that can't run says why")]
fn a_mode_that_can_t_run_is_named_and_the_others_go_on() {
    if std::fs::exists("/proc/net/ip_vs").expect("it can be asked for") {
        eprintln!("not run: this kernel has IPVS, so there is no mode that it refuses");
        return;
    }
    let printed = compare(&["--quick", "--modes", "ipvs", "--services", "1"]);
    assert!(
        printed.contains("Not possible here: ipvs: ipvs mode can't work here: "),
        "{printed}"
    );
    assert!(printed.contains("| direct | "));
}
