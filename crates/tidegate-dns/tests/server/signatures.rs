//! Signed questions, asked and checked by `dig`.

use serde_json::json;

use crate::cluster::{Cluster, parsed};

const SECRET: &str = "c2VjcmV0IG9mIHRoZSB0ZXN0cyBvZiB0aWRlZ2F0ZQ==";
const OTHER_SECRET: &str = "d3Jvbmcgc2VjcmV0IG9mIHRoZSB0ZXN0cw==";

const ALGORITHMS: [&str; 5] = [
    "hmac-sha1",
    "hmac-sha224",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
];

/// A cluster with so many Services, whose zone is for those who have a key. There is one for every
/// algorithm, of its name.
async fn cluster_of(services: usize) -> Cluster {
    let keys = ALGORITHMS.map(|name| format!("secret {name}.key. {SECRET} {name}"));
    let cluster = Cluster::start(&parsed(&format!(
        ".:0 {{
            kubernetes cluster.local
            transfer {{
                to 127.0.0.1
            }}
            tsig {{
                {}
                require AXFR
            }}
        }}",
        keys.join("\n")
    )));
    for number in 0..services {
        cluster.set_service(&format!("web-{number}"), json!({"clusterIP": "10.96.0.7"}));
    }
    cluster.feed.synced();
    let last = format!("web-{}.default.svc.cluster.local", services - 1);
    cluster.until(&last, "10.96.0.7").await;
    cluster
}

async fn dig(cluster: &Cluster, key: &str, arguments: &str) -> String {
    cluster.dig(&format!("-y {key} {arguments}")).await
}

/// Whether `dig` complains about the signature of a reply.
fn doubts(text: &str) -> bool {
    text.contains("verify signature") || text.contains("could not be validated")
}

#[tokio::test(flavor = "multi_thread")]
async fn dig_believes_answers_and_transfers_signed_by_every_algorithm() {
    let cluster = cluster_of(400).await;
    for algorithm in ALGORITHMS {
        let key = format!("{algorithm}:{algorithm}.key:{SECRET}");
        for transport in ["+notcp", "+tcp"] {
            let question = format!("{transport} web-0.default.svc.cluster.local");
            let answer = dig(&cluster, &key, &question).await;
            assert!(answer.contains("status: NOERROR"), "{answer}");
            assert!(answer.contains("TSIG PSEUDOSECTION"), "{answer}");
            assert!(!doubts(&answer), "{answer}");
        }
        let absent = dig(&cluster, &key, "nobody.default.svc.cluster.local").await;
        assert!(absent.contains("status: NXDOMAIN"), "{absent}");
        assert!(!doubts(&absent), "{absent}");
        let zone = dig(&cluster, &key, "cluster.local AXFR").await;
        assert!(!zone.contains("failed") && !doubts(&zone), "{zone}");
        assert_eq!(zone.matches("10.96.0.7").count(), 400, "{zone}");
        let signatures = zone.matches(&format!("TSIG\t{algorithm}.")).count();
        let messages = format!("(messages {signatures},");
        assert!(
            signatures > 1 && zone.contains(&messages),
            "every message is signed: {zone}"
        );
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_signature_is_said_in_the_reply() {
    let cluster = cluster_of(1).await;
    let name = "web-0.default.svc.cluster.local";
    let good = format!("hmac-sha256:hmac-sha256.key:{SECRET}");
    for (key, options, error) in [
        (
            format!("hmac-sha256:hmac-sha256.key:{OTHER_SECRET}"),
            "",
            "BADSIG",
        ),
        (format!("hmac-sha256:stranger.key:{SECRET}"), "", "BADKEY"),
        (
            format!("hmac-sha512:hmac-sha256.key:{SECRET}"),
            "",
            "BADKEY",
        ),
        // Long ago, and in the year 2106.
        (good.clone(), "+fuzztime=1000000000 ", "BADTIME"),
        (good.clone(), "+fuzztime=4294967295 ", "BADTIME"),
        (
            format!("hmac-sha256-128:hmac-sha256.key:{SECRET}"),
            "",
            "BADTRUNC",
        ),
    ] {
        for transport in ["+notcp", "+tcp"] {
            let answer = dig(&cluster, &key, &format!("{options}{transport} {name}")).await;
            assert!(answer.contains("status: NOTAUTH"), "{error}: {answer}");
            assert!(answer.contains(&format!(" {error} ")), "{error}: {answer}");
            assert!(!answer.contains("10.96.0.7"), "{answer}");
        }
        let zone = dig(&cluster, &key, &format!("{options}cluster.local AXFR")).await;
        assert!(zone.contains("Transfer failed"), "{error}: {zone}");
        assert!(!zone.contains("10.96.0.7"), "{zone}");
    }
    let unsigned = cluster.dig("cluster.local AXFR").await;
    assert!(unsigned.contains("Transfer failed"), "{unsigned}");
    assert_eq!(cluster.dig(&format!("+short {name}")).await, "10.96.0.7\n");
    cluster.stop().await;
}
