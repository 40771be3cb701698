//! Corefiles that can't be, and what is said about them.

use std::fmt::Write;

use tidegate_dns_config::{NoEnv, NoImports, ProblemKind, Problems, parse_corefile};

fn refuse(text: &str) -> Problems {
    parse_corefile(text, "Corefile", &NoImports, &NoEnv).expect_err(text)
}

/// Each file and what is said about it.
fn table(files: &[&str]) -> String {
    let mut table = String::new();
    for file in files {
        let _ = write!(
            table,
            "{file}\n  {}\n\n",
            refuse(file).to_string().replace('\n', "\n  ")
        );
    }
    table
}

/// The same for what is inside of a server block, from line 2 on.
fn table_inside(insides: &[&str]) -> String {
    let mut table = String::new();
    for inside in insides {
        let problems = refuse(&format!("example.org {{\n{inside}\n}}"));
        let _ = write!(
            table,
            "{inside}\n  {}\n\n",
            problems.to_string().replace('\n', "\n  ")
        );
    }
    table
}

#[test]
fn files_that_can_not_be_taken_apart() {
    let table = table(&[
        "",
        "# nothing",
        "\"\"",
        "(unused) {\n    loop\n}",
        "{\n    loop\n}",
        ". {\n    loop",
        ". {\n    forward . 10.0.0.1 {\n    loop\n}",
        ". {\n    loop\n}\n}",
        ".\nloop\n}",
        ".{\n    loop\n}",
        ". {\n    cache {\n        success 1 {\n        }\n    }\n}",
        ". {\n    { loop }\n}",
        "example.org, {\n    loop\n}",
        ". {\n    errors \"stdout\n}",
        ". {\n    import\n}",
        ". {\n    import nothing\n}",
        ". {\n    import one two\n}",
        "(twice) {\n}\n(twice) {\n}\n. {\n    loop\n}",
        "(open) {\n    loop\n",
    ]);
    insta::assert_snapshot!(table);
}

#[test]
fn zones_that_can_not_be() {
    let long_label = format!("{}.org {{\n    loop\n}}", "a".repeat(64));
    let long_name = format!("{} {{\n    loop\n}}", "a.".repeat(128));
    let table = table(&[
        "example..org {\n    loop\n}",
        "exämple.org {\n    loop\n}",
        "exa\\mple.org\\ {\n    loop\n}",
        "example.org:99999 {\n    loop\n}",
        "tls://example.org {\n    loop\n}",
        "grpc://example.org example.org {\n    loop\n}",
        "ftp://example.org {\n    loop\n}",
        &long_label,
        &long_name,
        "example.org {\n    loop\n}\nexample.net EXAMPLE.org:53 {\n    loop\n}",
        "example.org example.org {\n    loop\n}",
        ". {\n    bind 127.0.0.1\n}\n. {\n    bind lo ::1\n}\n. {\n    bind ::1\n}",
        ". {\n    bind 127.0.0.1\n}\n. {\n    loop\n}",
        ". {\n    loop\n}\n. {\n    bind 127.0.0.1\n}",
    ]);
    insta::assert_snapshot!(table);
}

#[test]
fn plugins_that_are_not_known() {
    let table = table_inside(&[
        "forwards . 10.0.0.1",
        "file db.example.org",
        "whoami",
        "proxy . 10.0.0.1",
        "rrl . {\n    window 15\n}",
    ]);
    insta::assert_snapshot!(table);
    let kinds = |inside: &str| -> Vec<ProblemKind> {
        let problems = refuse(&format!(". {{\n{inside}\n}}"));
        problems.list().iter().map(|problem| problem.kind).collect()
    };
    assert_eq!(
        kinds("forwards\nfile\nloop x\nloop"),
        [
            ProblemKind::Unknown,
            ProblemKind::Unsupported,
            ProblemKind::Invalid,
            ProblemKind::Conflict
        ]
    );
}

#[test]
fn all_problems_of_a_file_are_told() {
    let table = table(&["example..org {
    any
    cache -1
    forward . nowhere 10.0.0.1 {
        max_fails many
        policy best
    }
    kubernetes {
        ttl 4000
        pods all
    }
}
example.net {
    loop
    loop
}"]);
    insta::assert_snapshot!(table);
}

#[test]
fn kubernetes_that_can_not_be() {
    let inside = |property: &str| format!("kubernetes cluster.local {{\n    {property}\n}}");
    let cases = [
        "pods",
        "pods maybe",
        "ttl 3601",
        "ttl -1",
        "ttl",
        "namespaces",
        "namespaces Default",
        "namespaces a\n    namespace_labels b=c",
        "labels a in b",
        "labels =b",
        "fallthrough not..a.zone",
        "endpoint 10.0.0.1",
        "endpoint https://",
        "tls a b c",
        "endpoint http://a\n    tls a b",
        "kubeconfig a b c",
        "ignore everything",
        "startup_timeout 5",
        "apiserver_qps many",
        "apiserver_burst -1",
        "noendpoints x",
        "multicluster clusterset.local",
        "upstream",
        "tll 5",
    ]
    .map(inside);
    let mut cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    cases.extend([
        "kubernetes in-addr.arpa 10.0.0.0/8",
        "kubernetes a\nkubernetes b",
    ]);
    let table = table_inside(&cases);
    insta::assert_snapshot!(table);
}

#[test]
fn forwards_that_can_not_be() {
    let inside = |property: &str| format!("forward . tls://9.9.9.9%a.b {{\n    {property}\n}}");
    let many = format!("forward . {}", "10.0.0.1 ".repeat(16));
    let cases = [
        "except",
        "force_tcp yes",
        "expire -1s",
        "expire 1d",
        "max_fails 99999999999",
        "tls a b c d",
        "tls a \"\" c\n    tls_servername c.d",
        "tls_servername what?",
        "policy",
        "health_check 0s",
        "health_check",
        "health_check 1s domain",
        "health_check 1s often",
        "next",
        "next SOMETIMES",
        "failover NOERROR",
        "max_concurrent -5",
        "doh_method GET",
        "spray",
    ]
    .map(inside);
    let mut cases: Vec<&str> = cases.iter().map(String::as_str).collect();
    cases.extend([
        "forward",
        "forward .",
        "forward . dns.example.org",
        "forward . https://9.9.9.9",
        "forward . 10.0.0.1:dns",
        "forward . fe80::1%eth0",
        "forward . tls://9.9.9.9%",
        "forward 10.0.0.0/33 10.0.0.1",
        &many,
    ]);
    let table = table_inside(&cases);
    insta::assert_snapshot!(table);
}

#[test]
fn caches_that_can_not_be() {
    let table = table_inside(&[
        "cache 0",
        "cache 30 not..a.zone",
        "cache {\n    success\n}",
        "cache {\n    success many\n}",
        "cache {\n    denial 100 0\n}",
        "cache {\n    success 1 2 3 4\n}",
        "cache {\n    prefetch 1 1m 5%\n}",
        "cache {\n    prefetch 1 1m 50\n}",
        "cache {\n    prefetch\n}",
        "cache {\n    serve_stale 1h later\n}",
        "cache {\n    servfail 6m\n}",
        "cache {\n    disable all\n}",
        "cache {\n    keepttl 5\n}",
        "cache {\n    size 5\n}",
    ]);
    insta::assert_snapshot!(table);
}

#[test]
fn rewrites_that_can_not_be() {
    let table = table_inside(&[
        "rewrite",
        "rewrite stop",
        "rewrite name a",
        "rewrite name exact a..b c",
        "rewrite name like a b",
        "rewrite name suffix \"\" b",
        "rewrite name regex ( b",
        "rewrite name regex (.*)\\.a {2}.b",
        "rewrite name regex (a{100}){500} b",
        "rewrite name regex (.*) {1} answer",
        "rewrite name regex (.*) {1} answer name (.*)",
        "rewrite name regex (.*) {1} answer name a {1}",
        "rewrite name suffix a b answer auto answer name (.*) c",
        "rewrite name a b answer auto",
        "rewrite name suffix a b c",
        "rewrite answer name a b",
        "rewrite type ANY HINFO",
        "rewrite continue ttl example.org 30",
        "rewrite edns0 local set 0xffee abcd",
        "rewrite colour a b",
    ]);
    insta::assert_snapshot!(table);
}

#[test]
fn the_other_plugins_that_can_not_be() {
    let table = table_inside(&[
        "autopath",
        "autopath cluster.local",
        "autopath @file",
        "autopath @kubernetes",
        "autopath @kubernetes\nkubernetes not..a.zone",
        "bind",
        "bind 127.0.0",
        "bind an-interface-with-a-long-name",
        "bind lo {\n    without ::1\n}",
        "errors stderr",
        "errors {\n    consolidate 5m\n}",
        "errors {\n    consolidate 5m [ error\n}",
        "errors {\n    consolidate 0s x fatal\n}",
        "health 8080",
        "health localhost:99999",
        "health :8080 {\n    lameduck soon\n}",
        "health {\n    interval 5s\n}",
        "hosts /etc/hosts {\n    10.0.0.1\n}",
        "hosts {\n    10.0.0 name\n}",
        "hosts {\n    ttl 0\n}",
        "hosts {\n    fallthrough\n    10.0.0.1 name\n}",
        "hosts {\n    fallthrough_unsupported\n}",
        "loadbalance weighted file",
        "loadbalance fair",
        "loadbalance {\n    prefer 10.0.0.0/8\n}",
        "log . \"{proto} {name}\"",
        "log {\n    class some\n}",
        "log {\n    minDuration 1s\n}",
        "loop twice",
        "prometheus metrics.example.org:9153",
        "prometheus {\n    tls a b\n}",
        "ready {\n    monitor never\n}",
        "reload 1s",
        "reload 10s 500ms",
        "reload 10s 1s 1s",
        "transfer",
        "transfer {\n    to somebody\n}",
        "transfer {\n    from 10.0.0.1\n}",
        "tsig {\n    secret key\n}",
        "tsig {\n    secret key !!!\n}",
        "tsig {\n    secret key aGVsbG8= md5\n}",
        "tsig {\n    secret key aGVsbG8=\n    secret KEY. aGVsbG8=\n}",
        "tsig {\n    secrets /etc/keys\n}",
        "tsig {\n    require EVERYTHING\n}",
    ]);
    insta::assert_snapshot!(table);
}
