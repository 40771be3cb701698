//! The notation of Corefiles: words, blocks, the environment, snippets and files.

use std::collections::HashMap;

use tidegate_dns_config::{
    DnsConfig, Env, ImportedFile, Imports, NoEnv, NoImports, Parsed, Problems, parse_corefile,
};

/// Files in memory; a pattern with a star means all whose name begins with what is before it.
struct Files(HashMap<&'static str, &'static str>);

impl Imports for Files {
    fn matching(&self, pattern: &str, from: &str) -> Result<Vec<ImportedFile>, String> {
        if pattern == "broken" {
            return Err(format!(
                "{pattern:?} of {from} can't be read: it is a directory"
            ));
        }
        let fits = |name: &str| match pattern.split_once('*') {
            Some((before, _)) => name.starts_with(before),
            None => name == pattern,
        };
        let mut files: Vec<ImportedFile> = (self.0.iter())
            .filter(|(name, _)| fits(name))
            .map(|(name, text)| ImportedFile {
                name: (*name).to_owned(),
                text: (*text).to_owned(),
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }
}

fn with_files(text: &str, files: &[(&'static str, &'static str)]) -> Result<Parsed, Problems> {
    let files = Files(files.iter().copied().collect());
    parse_corefile(text, "Corefile", &files, &NoEnv)
}

fn read(text: &str) -> DnsConfig {
    let parsed = parse_corefile(text, "Corefile", &NoImports, &NoEnv);
    parsed.expect("a good Corefile").config
}

fn with_env(text: &str, env: &dyn Env) -> Parsed {
    parse_corefile(text, "Corefile", &NoImports, env).expect("a good Corefile")
}

const PLAIN: &str = ". {\n    forward . 10.0.0.1 {\n        expire 20s\n    }\n    cache 30\n}\n";

#[test]
fn layout_and_order_do_not_matter() {
    for same in [
        ". {\n    cache 30\n    forward . 10.0.0.1 {\n        expire 20s\n    }\n}",
        ".\nforward . 10.0.0.1 {\n expire 20s\n}\ncache 30",
        ".:53\n{\n\tforward .\t10.0.0.1\n\t{\n\texpire 20s }\n cache 30 }",
        "dns://. { # the root\n forward . 10.0.0.1 { expire 20s }\n\n cache 30 # seconds\n}",
        "\u{feff}\".\" {\r\n forward \".\" \"10.0.0.1\" {\r\n expire \"20s\"\r\n }\r\n cache 30\r\n}\r\n",
        "# nothing\n. {\nforward . 10.0.0.1 {\n# not this\nexpire 20s # but this\n}\ncache 30}\n}"
            .replace("30}", "30")
            .as_str(),
    ] {
        assert_eq!(read(same), read(PLAIN), "{same}");
    }
}

#[test]
fn zones_go_on_behind_a_comma() {
    let zones = |text: &str| -> Vec<String> {
        let servers = read(text).servers;
        assert_eq!(servers.len(), 1, "{text}");
        servers[0].zones.iter().map(ToString::to_string).collect()
    };
    let two = ["example.org.", "example.net.:1053"];
    assert_eq!(zones("example.org example.net:1053 {\nloop\n}"), two);
    assert_eq!(zones("example.org,\nexample.net:1053 {\nloop\n}"), two);
    assert_eq!(zones("example.org, example.net:1053\nloop"), two);
    assert_eq!(
        zones("10.0.0.0/23 2001:db8::/32:5353 {\nloop\n}"),
        [
            "0.0.10.in-addr.arpa.",
            "1.0.10.in-addr.arpa.",
            "8.b.d.0.1.0.0.2.ip6.arpa.:5353"
        ]
    );
}

#[test]
fn quotes_keep_words_together_and_braces_plain() {
    let config = read(". {\nerrors {\nconsolidate 5m \"a \\\"b\\\" # \\d }\" error\n}\n}");
    let errors = config.servers[0].errors.as_ref().expect("set");
    assert_eq!(errors.consolidate[0].pattern, "a \"b\" # \\d }");
}

#[test]
fn variables_are_put_in_place() {
    let env = |name: &str| match name {
        "ZONE" => Some("example.org".to_owned()),
        "UPSTREAM" => Some("10.0.0.1".to_owned()),
        "LOOP" => Some("{$LOOP}".to_owned()),
        _ => None,
    };
    let parsed = with_env("{$ZONE}:{%PORT%}53 {\nforward . {$UPSTREAM}:5353\n}", &env);
    let server = &parsed.config.servers[0];
    assert_eq!(server.zones[0].to_string(), "example.org.");
    assert_eq!(server.forward[0].to[0].to_string(), "10.0.0.1:5353");
    let warnings: Vec<String> = parsed.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        ["Corefile:1: the environment variable \"PORT\" is not set; it is empty here"]
    );
    let endless = parse_corefile("{$LOOP} {\nloop\n}", "Corefile", &NoImports, &env);
    assert!(endless.is_err(), "a value isn't looked through again");
}

#[test]
fn snippets_are_put_in_place() {
    let file = "
(upstream) {
    forward . 10.0.0.1 {
        import idle
    }
}
(idle) {
    expire 20s
}
. {
    import upstream
    cache 30
}
";
    assert_eq!(read(file), read(PLAIN));
    let short = file.replace("{\n    import", "{ import");
    assert_eq!(read(&short), read(PLAIN));
}

#[test]
fn files_are_put_in_place() {
    let files = [
        ("conf/a", "import shared\ncache 30\n"),
        ("conf/b", "loop"),
        ("shared", "forward . 10.0.0.1 {\n    expire 20s\n}"),
        ("blocks", "example.org {\n    loop\n}\n"),
    ];
    let parsed = with_files(". {\nimport conf/*\n}\nimport blocks\nimport none*", &files);
    let parsed = parsed.expect("a good Corefile");
    let expected = PLAIN.replace("30\n}", "30\nloop\n}\nexample.org {\nloop\n}");
    assert_eq!(parsed.config, read(&expected));
    assert_eq!(
        parsed.warnings[0].to_string(),
        "Corefile:5: import: no file is like \"none*\""
    );
}

#[test]
fn problems_name_the_file_that_they_are_in() {
    let files = [("other", "\n\nforward . 10.0.0")];
    let refusal = |text: &str| {
        with_files(text, &files)
            .expect_err("is refused")
            .to_string()
    };
    assert_eq!(
        refusal(". {\nimport other\n}"),
        "other:3: forward: \"10.0.0\" is neither an address nor a file; write \"10.0.0.1:53\" \
         or a path with a \"/\""
    );
    assert_eq!(
        refusal(". {\nimport broken\n}"),
        "Corefile:2: import: \"broken\" of Corefile can't be read: it is a directory"
    );
}
