//! Zone transfers, as `dig` gets them.

use std::process::Command;

use tidegate_dns_schema::APEX;

use crate::scene::{Running, Scene};

/// A key for signatures, and one that is wrong.
const KEY: &str = "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3QsIGFuZCBtb3Jl";
const OTHER_KEY: &str = "c29tZWJvZHkgZWxzZSdzIGtleSwgYW5kIHdyb25nIGhlcmU=";

fn served(more: &'static str) -> Running {
    Scene {
        more,
        ..Scene::of(APEX)
    }
    .serve()
}

/// What `dig` prints for these arguments.
fn dig(server: &Running, arguments: &str) -> String {
    let mut command = Command::new("dig");
    let port = server.address.port().to_string();
    command.args(["@127.0.0.1", "-p", &port, "+tries=1", "+timeout=20"]);
    command.args(arguments.split(' '));
    let output = command
        .output()
        .expect("dig is installed (Debian: bind9-dnsutils)");
    String::from_utf8(output.stdout).expect("text")
}

/// The transferred records as name, type and data.
fn records(transfer: &str) -> Vec<String> {
    let lines = transfer
        .lines()
        .filter(|line| !line.starts_with(';') && !line.is_empty());
    let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
    let records = words.filter(|words| words.len() > 4 && words[3] != "TSIG");
    records
        .map(|words| [&words[..1], &words[3..]].concat().join(" "))
        .collect()
}

#[track_caller]
fn check_whole(transfer: &str) {
    let records = records(transfer);
    let first = records.first().expect(transfer);
    assert!(
        first.starts_with("cluster.local. SOA ns.dns.cluster.local."),
        "{first}"
    );
    assert_eq!(records.first(), records.last());
    for record in [
        "dns-version.cluster.local. TXT \"1.1.0\"",
        "web.default.svc.cluster.local. A 10.96.0.7",
        "web.shop.svc.cluster.local. A 10.96.0.30",
        "six.default.svc.cluster.local. AAAA fd00:96::6",
        "pod-0.pods.default.svc.cluster.local. AAAA fd00:1::2",
        "outside.default.svc.cluster.local. CNAME db.example.org.",
        "_http._tcp.web.default.svc.cluster.local. SRV 0 100 80 web.default.svc.cluster.local.",
        "_gossip._udp.db.default.svc.cluster.local. SRV 0 100 7946 db-2.db.default.svc.cluster.local.",
        // A port without a name is told at its Service and not under a name of its own.
        "bare.default.svc.cluster.local. SRV 0 100 80 bare.default.svc.cluster.local.",
    ] {
        assert!(
            records.iter().any(|one| one == record),
            "{record}: {transfer}"
        );
    }
    for nobody in ["waiting", "late.", "unready.", "_.", "literal", ".pod."] {
        let told = records.iter().find(|record| {
            let owner = record.split(' ').next().unwrap_or_default();
            owner.contains(nobody)
        });
        assert_eq!(told, None, "{nobody}");
    }
    let crowd = records
        .iter()
        .filter(|record| record.starts_with("10-2-0-"));
    assert_eq!(crowd.count(), 100, "every endpoint of a large Service");
}

#[test]
fn nobody_gets_the_zone_who_is_not_named() {
    for more in [
        "",
        "transfer cluster.local {\n to 192.0.2.0/24 2001:db8::1\n }",
    ] {
        let server = served(more);
        for question in ["cluster.local AXFR", "cluster.local IXFR=1"] {
            let answer = dig(&server, question);
            assert!(answer.contains("; Transfer failed."), "{more}: {answer}");
            assert_eq!(records(&answer), Vec::<String>::new());
        }
    }
}

#[test]
fn whoever_is_named_by_address_gets_the_whole_zone() {
    for more in [
        "transfer cluster.local {\n to 192.0.2.1 127.0.0.0/8\n }",
        "transfer {\n to *\n }",
    ] {
        let server = served(more);
        check_whole(&dig(&server, "cluster.local AXFR"));
        // Of what changed nothing is known, so that everything is told.
        check_whole(&dig(&server, "+tcp cluster.local IXFR=1"));
        let parts = dig(&server, "default.svc.cluster.local AXFR");
        assert!(
            parts.contains("; Transfer failed."),
            "no zone of its own: {parts}"
        );
    }
}

#[test]
fn a_key_opens_the_zone_and_a_wrong_one_does_not() {
    let server = served(
        "transfer cluster.local {
            to *
        }
        tsig cluster.local {
            secret reader. c2l4dGVlbiBvY3RldHMgYXQgbGVhc3QsIGFuZCBtb3Jl
            require AXFR IXFR
        }",
    );
    let with = |name: &str, key: &str| {
        dig(
            &server,
            &format!("-y hmac-sha256:{name}:{key} cluster.local AXFR"),
        )
    };
    let signed = with("reader", KEY);
    check_whole(&signed);
    assert!(
        !signed.contains("verify"),
        "dig believes every message: {signed}"
    );
    for answer in [
        with("reader", OTHER_KEY),
        with("stranger", KEY),
        dig(&server, "cluster.local AXFR"),
    ] {
        assert!(answer.contains("; Transfer failed."), "{answer}");
        assert_eq!(records(&answer), Vec::<String>::new());
    }
    // Other questions need no key, and answers to those who sign are signed.
    let plain = dig(&server, "+short web.default.svc.cluster.local");
    assert_eq!(plain, "10.96.0.7\n");
    let question = format!("-y hmac-sha256:reader:{KEY} web.default.svc.cluster.local");
    let answer = dig(&server, &question);
    assert!(
        answer.contains("status: NOERROR") && answer.contains("TSIG"),
        "{answer}"
    );
    assert!(!answer.contains("verify failure"), "{answer}");
}
