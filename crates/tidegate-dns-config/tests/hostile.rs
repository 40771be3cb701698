//! Files that somebody wrote to do harm, or that broke on the way.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use tidegate_dns_config::{
    NoEnv, NoImports, Parsed, Problems, ZoneName, default_corefile, parse_corefile, parse_yaml,
    write_yaml,
};

fn read(text: &str) -> Result<Parsed, Problems> {
    parse_corefile(text, "Corefile", &NoImports, &NoEnv)
}

fn refusal(text: &str) -> String {
    read(text).expect_err("is refused").to_string()
}

#[test]
fn what_is_too_large_is_refused() {
    let large = format!(". {{\n{}\n}}", "# a comment\n".repeat(100_000));
    assert_eq!(
        refusal(&large),
        "Corefile: 1200006 bytes are more than the 1048576 that are read; make it smaller"
    );
    let words = format!(". {{\nlog {}\n}}", "a ".repeat(100_000));
    assert_eq!(
        refusal(&words),
        "Corefile:2: with its imports the file has more than 100000 words or 4194304 bytes; make \
         it smaller"
    );
    let yaml = " ".repeat(2_000_000);
    let problem = parse_yaml(&yaml, "dns.yaml").expect_err("is refused");
    assert!(
        problem
            .to_string()
            .starts_with("dns.yaml: 2000000 bytes are more")
    );
}

#[test]
fn zones_can_not_be_multiplied_without_end() {
    let ranges = format!("{} {{\nloop\n}}", "0.0.0.0/1 ".repeat(200));
    let expected = "the file names more than 16384 zones; remove some";
    assert!(refusal(&ranges).contains(expected));
    let mut inherited: String = (0..1000).map(|n| format!("z{n} ")).collect();
    inherited += &format!("{{\n{}\n}}", "transfer {\nto *\n}\n".repeat(100));
    assert!(refusal(&inherited).contains(expected));
    let zones: Vec<String> = (0..1000).map(|n| format!("z{n}")).collect();
    let zones = zones.join(", ");
    let transfers = "{to: ['*']}, ".repeat(100);
    let yaml = format!(
        "{{apiVersion: tidegate.dev/v1alpha1, kind: DnsConfiguration, servers: [{{zones: \
         [{zones}], transfer: [{transfers}]}}]}}"
    );
    let problem = parse_yaml(&yaml, "dns.yaml").expect_err("is refused");
    assert_eq!(
        problem.to_string(),
        "servers: they have more than 16384 zones; remove some"
    );
}

#[test]
fn imports_can_not_be_multiplied_without_end() {
    let mut bomb = String::from("(s0) {\n}\n");
    for n in 1..12 {
        let imports = format!("import s{}\n", n - 1).repeat(30);
        bomb += &format!("(s{n}) {{\n{imports}}}\n");
    }
    bomb += ". {\nimport s11\n}";
    assert!(refusal(&bomb).contains("more than 1000 imports"));
    assert_eq!(
        refusal("(s) {\nimport s\n}\n. {\nimport s\n}"),
        "Corefile:2: import: \"s\" is 16 imports deep; does a snippet or file import itself?"
    );
}

#[test]
fn a_variable_can_not_be_multiplied_without_end() {
    let env = |_: &str| Some("x".repeat(100_000));
    let text = format!(". {{\nlog {}\n}}", "{$X} ".repeat(1000));
    let problem = parse_corefile(&text, "Corefile", &NoImports, &env).expect_err("is refused");
    assert!(problem.to_string().contains("or 4194304 bytes"));
}

#[test]
fn what_takes_long_to_check_is_limited() {
    let rules = format!(". {{\n{}}}", "rewrite name regex a b\n".repeat(1001));
    let expected = "Corefile:1002: rewrite: the file has more than 1000 such rules; remove some";
    assert_eq!(refusal(&rules), expected);
    let answers = "answer name a b ".repeat(1000);
    let rules = format!(". {{\nrewrite name regex a b {answers}\n}}");
    assert!(refusal(&rules).contains("more than 1000 such rules"));
    let rules = "{from: a, to: b}, ".repeat(1001);
    let yaml = format!(
        "{{apiVersion: tidegate.dev/v1alpha1, kind: DnsConfiguration, servers: [{{zones: [a], \
         rewrite: [{rules}]}}]}}"
    );
    assert_eq!(
        parse_yaml(&yaml, "dns.yaml")
            .expect_err("is refused")
            .to_string(),
        "servers: they have more than 1000 rules to rewrite or consolidate; remove some"
    );
    let addresses: String = (0..65).map(|n| format!("10.0.0.{n} ")).collect();
    assert_eq!(
        refusal(&format!(". {{\nbind {addresses}\n}}")),
        "Corefile:2: bind: 65 addresses are more than 64; remove some"
    );
}

#[test]
fn what_is_quoted_is_not_quoted_at_any_length() {
    let long = "é".repeat(100_000);
    for text in [
        format!("{long} {{\nloop\n}}"),
        format!(". {{\n{long}\n}}"),
        format!(". {{\nforward . {long}\n}}"),
        format!(". {{\ncache {{\n{long} 5\n}}\n}}"),
    ] {
        assert!(refusal(&text).len() < 1200);
    }
    let yaml = format!("apiVersion: tidegate.dev/v1alpha1\nkind: DnsConfiguration\n{long}: 1");
    let problem = parse_yaml(&yaml, "dns.yaml").expect_err("is refused");
    assert!(problem.to_string().len() < 2200);
}

#[test]
fn many_problems_are_not_all_told() {
    let text = format!(". {{\n{}}}", "rewrite ttl x 1\n".repeat(20_000));
    let told = refusal(&text);
    assert_eq!(told.lines().count(), 101);
    assert!(told.ends_with("and 1 more"));
}

/// A file with some of everything.
fn good() -> String {
    let domain: ZoneName = "cluster.local".parse().expect("a name");
    default_corefile(&domain)
        + "(snippet) {\n    errors\n}\n\
           10.0.0.0/8:1053 example.org {\n    import snippet\n    \
           rewrite name regex \"(.*)-x\\.org\" {1}.org answer name (.*) {1}.org\n    \
           hosts /etc/hosts {\n        10.0.0.1 a.example.org\n        fallthrough\n    }\n    \
           log . {combined} {\n        class denial\n    }\n    \
           forward . tls://9.9.9.9%dns.quad9.net:853 [::1]:53 {\n        health_check 5s no_rec\n    }\n    \
           tsig {\n        secret k aGVsbG8=\n        require AXFR\n    }\n    \
           bind 127.0.0.1 {\n        except lo\n    }\n}\n"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let _ = read(&text);
        let _ = parse_yaml(&text, "dns.yaml");
    }

    #[test]
    fn arbitrary_words_are_read_or_refused(
        words in prop::collection::vec(
            select(vec![
                "{", "}", "\n", "\"", "#", ",", ".", "import", "(a)", "a", "{$A}", "forward",
                "cache", "kubernetes", "rewrite", "name", "hosts", "log", "tsig", "secret", "10.0.0.0/8",
                "::1", "tls://", "%", "1", "-1", "99999999999", "5s", "answer", "@kubernetes", "\\", "é",
                "labels", "in (", "ttl", "bind", "transfer", "to", "*", "regex", "(", "health", ":8080",
            ]),
            0..40,
        )
    ) {
        for separator in [" ", ""] {
            let text = words.join(separator);
            let _ = read(&text);
        }
    }

    #[test]
    fn what_is_left_of_a_good_file_reads_the_same_from_yaml(
        changes in prop::collection::vec((any::<Index>(), 0..4_u8, any::<char>()), 0..4)
    ) {
        let mut file: Vec<char> = good().chars().collect();
        for (place, kind, character) in changes {
            if file.is_empty() {
                break;
            }
            let at = place.index(file.len());
            match kind {
                0 => { file.remove(at); }
                1 => file.insert(at, character),
                2 => file[at] = character,
                _ => file.truncate(at),
            }
        }
        let text: String = file.into_iter().collect();
        if let Ok(parsed) = read(&text) {
            let yaml = write_yaml(&parsed.config);
            let again = parse_yaml(&yaml, "dns.yaml");
            prop_assert_eq!(again.map(|again| again.config), Ok(parsed.config), "{}", yaml);
        }
    }

    #[test]
    fn names_are_read_as_they_are_written(text in "[a-zA-Z0-9._*\\\\:/-]{0,30}|\\PC{0,20}") {
        if let Ok(name) = text.parse::<ZoneName>() {
            prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            prop_assert!(name.as_str().ends_with('.'));
        }
    }
}
