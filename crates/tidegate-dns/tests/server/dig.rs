//! What somebody with `dig` sees.

use serde_json::json;

use crate::cluster::{Cluster, config};

#[tokio::test(flavor = "multi_thread")]
async fn udp_and_tcp_give_the_same_answers() {
    let cluster = Cluster::with_web(vec![]).await;
    for transport in ["+notcp", "+tcp"] {
        let answer = cluster
            .dig(&format!("{transport} +short web.default.svc.cluster.local"))
            .await;
        assert_eq!(answer, "10.96.0.7\n");
        let answer = cluster
            .dig(&format!("{transport} nobody.default.svc.cluster.local"))
            .await;
        assert!(answer.contains("status: NXDOMAIN"), "{answer}");
        assert!(answer.contains("flags: qr aa rd ra"), "{answer}");
        assert!(
            answer.contains("IN\tSOA\tns.dns.cluster.local. hostmaster.cluster.local."),
            "{answer}"
        );
    }
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ports_addresses_and_the_schema_are_there() {
    let cluster = Cluster::with_web(vec![]).await;
    let srv = cluster
        .dig("+short _http._tcp.web.default.svc.cluster.local SRV")
        .await;
    assert_eq!(srv, "0 100 80 web.default.svc.cluster.local.\n");
    let pointer = cluster.dig("+short -x 10.96.0.7").await;
    assert_eq!(pointer, "web.default.svc.cluster.local.\n");
    let version = cluster.dig("+short dns-version.cluster.local TXT").await;
    assert_eq!(version, "\"1.1.0\"\n");
    let namespace = cluster.dig("default.svc.cluster.local").await;
    assert!(namespace.contains("status: NOERROR"), "{namespace}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_there_and_gone_as_the_cluster_says() {
    let cluster = Cluster::with_web(vec![]).await;
    cluster.set_service("pods", json!({"clusterIP": "None"}));
    let one = ["10.1.0.1".to_owned()];
    cluster.set_endpoints("pods", &one);
    cluster
        .until("pods.default.svc.cluster.local", "10.1.0.1")
        .await;
    cluster
        .until("10-1-0-1.pods.default.svc.cluster.local", "10.1.0.1")
        .await;
    cluster.set_endpoints("pods", &[]);
    cluster.until("pods.default.svc.cluster.local", "").await;
    let answer = cluster.dig("pods.default.svc.cluster.local").await;
    assert!(answer.contains("status: NXDOMAIN"), "{answer}");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_addresses_changes_from_answer_to_answer() {
    let cluster = Cluster::with_web(vec![]).await;
    cluster.set_service("pods", json!({"clusterIP": "None"}));
    let addresses: Vec<String> = (1..4).map(|last| format!("10.1.0.{last}")).collect();
    cluster.set_endpoints("pods", &addresses);
    let mut firsts = std::collections::BTreeSet::new();
    for _ in 0..100 {
        let answer = cluster.dig("+short pods.default.svc.cluster.local").await;
        firsts.extend(answer.lines().next().map(str::to_owned));
        if firsts.len() == addresses.len() {
            break;
        }
    }
    assert_eq!(firsts.len(), addresses.len(), "each one came first");
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_answer_is_cut_over_udp_and_whole_over_tcp() {
    let cluster = Cluster::with_web(vec![]).await;
    cluster.set_service("pods", json!({"clusterIP": "None"}));
    let addresses: Vec<String> = (0..1500)
        .map(|pod| format!("10.1.{}.{}", pod / 250, pod % 250))
        .collect();
    cluster.set_endpoints("pods", &addresses);
    cluster
        .until("10-1-5-249.pods.default.svc.cluster.local", "10.1.5.249")
        .await;
    let cut = cluster
        .dig("+notcp +ignore pods.default.svc.cluster.local")
        .await;
    assert!(cut.contains("flags: qr aa tc"), "{cut}");
    let whole = cluster.dig("+short pods.default.svc.cluster.local").await;
    assert_eq!(
        whole.lines().count(),
        1500,
        "dig goes on over TCP by itself"
    );
    let old_client = cluster
        .dig("+noedns +ignore pods.default.svc.cluster.local")
        .await;
    assert!(
        old_client.contains("ANSWER: 29,"),
        "what fits into 512 octets: {old_client}"
    );
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn until_the_cluster_is_known_nothing_is_denied() {
    let cluster = Cluster::start(&config(vec![]));
    let answer = cluster.dig("web.default.svc.cluster.local").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    cluster.set_service("web", json!({"clusterIP": "10.96.0.7"}));
    let answer = cluster.dig("web.default.svc.cluster.local").await;
    assert!(answer.contains("status: SERVFAIL"), "{answer}");
    cluster.feed.synced();
    cluster
        .until("web.default.svc.cluster.local", "10.96.0.7")
        .await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_does_not_do_is_refused_politely() {
    let cluster = Cluster::with_web(vec![]).await;
    for (question, status) in [
        (
            "+noedns +opcode=status web.default.svc.cluster.local",
            "NOTIMP",
        ),
        ("-c CH version.bind TXT", "REFUSED"),
        (
            "+noednsneg +edns=1 web.default.svc.cluster.local",
            "BADVERS",
        ),
    ] {
        let answer = cluster.dig(question).await;
        assert!(
            answer.contains(&format!("status: {status}")),
            "{question}: {answer}"
        );
    }
    for transfer in ["cluster.local AXFR", "cluster.local IXFR=1"] {
        let answer = cluster.dig(transfer).await;
        assert!(answer.contains("Transfer failed"), "{answer}");
    }
    assert!(cluster.metric("tidegate_dns_refused_queries_total", "") >= 2.0);
    assert!(cluster.metric("tidegate_dns_malformed_packets_total", "") >= 1.0);
    assert!(cluster.metric("coredns_dns_responses_total", "REFUSED") >= 2.0);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_is_away_names_stay_and_a_metric_says_so() {
    let cluster = Cluster::with_web(vec![]).await;
    assert_eq!(cluster.metric("tidegate_dns_api_is_away", ""), 0.0);
    assert!(cluster.feed.set_cut_off("Service", true));
    assert!(
        !cluster.feed.set_cut_off("Service", true),
        "that is no news"
    );
    assert_eq!(cluster.metric("tidegate_dns_api_is_away", ""), 1.0);
    let answer = cluster.dig("+short web.default.svc.cluster.local").await;
    assert_eq!(answer, "10.96.0.7\n");
    assert!(cluster.feed.set_cut_off("Service", false));
    assert_eq!(cluster.metric("tidegate_dns_api_is_away", ""), 0.0);
    cluster.stop().await;
}
