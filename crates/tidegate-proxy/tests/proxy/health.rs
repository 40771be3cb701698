//! What load balancers and kubelets hear of the proxy.

use std::net::SocketAddr;
use std::time::Duration;

use tidegate_dataplane::MemoryDataplane;
use tidegate_proxy::{Proxy, ProxyConfig, Servers, ServersConfig};
use tidegate_watch::{ClusterWatch, NodeFacts, NodeState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::fixture::{get, get_until, own_port, pages, run, service, start};

#[tokio::test(flavor = "multi_thread")]
async fn line_33_health_is_told_in_upstreams_words() {
    let kernel = MemoryDataplane::default();
    let running = start(ProxyConfig::default(), &kernel).serving_web().await;
    let (servers, health, _) = running.servers();
    let answer = get(health, "/healthz").await.expect("answers");
    assert_eq!(answer.status, 200);
    assert!(answer.has_header("content-type: application/json"));
    assert!(answer.has_header("x-content-type-options: nosniff"));
    let mut json = answer.json();
    for family in ["IPv4", "IPv6"] {
        assert!(json["status"][family]["lastUpdated"].take().is_string());
    }
    assert!(json["lastUpdated"].take().is_string() && json["currentTime"].take().is_string());
    insta::assert_snapshot!(json, @r#"
    {"currentTime":null,"healthy":true,"lastUpdated":null,"nodeEligible":true,"status":{"IPv4":{"healthy":true,"lastUpdated":null},"IPv6":{"healthy":true,"lastUpdated":null}}}
    "#);
    let live = get(health, "/livez").await.expect("answers").json();
    assert!(live.get("nodeEligible").is_none(), "{live}");
    assert_eq!(get(health, "/metrics").await.expect("answers").status, 404);
    servers.stop().await;
    assert!(get(health, "/healthz").await.is_none(), "still listens");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_a_proxy_that_does_not_keep_up_is_unhealthy_until_it_does() {
    let kernel = MemoryDataplane::default();
    let config = ProxyConfig {
        audit_period: Duration::from_millis(100),
        longest_retry: Duration::from_millis(50),
        ..ProxyConfig::default()
    };
    let mut running = start(config, &kernel).serving_web().await;
    let (_servers, health, metrics) = running.servers();
    kernel.fail_next(usize::MAX);
    running.feed.set_service(service("api", 2));
    for path in ["/healthz", "/livez"] {
        let late = get_until(health, path, |answer| {
            answer.is_some_and(|it| it.status == 503)
        })
        .await;
        let json = late.expect("answers").json();
        assert_eq!(
            (&json["healthy"], &json["status"]["IPv4"]["healthy"]),
            (&false.into(), &false.into())
        );
    }
    kernel.fail_next(0);
    running
        .until(|status| status.healthy && status.services == 2)
        .await;
    assert_eq!(get(health, "/healthz").await.expect("answers").status, 200);
    let page = get(metrics, "/metrics").await.expect("answers").body;
    for code in [200, 503] {
        assert!(
            page.contains(&format!(
                "kubeproxy_proxy_healthz_total{{code=\"{code}\"}} "
            )),
            "{page}"
        );
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn line_33_a_node_on_its_way_out_takes_no_new_connections_but_is_alive() {
    let leaving = [
        NodeState::Absent,
        NodeState::Present(NodeFacts {
            deleting: true,
            ..NodeFacts::default()
        }),
        NodeState::Present(NodeFacts {
            taints: vec!["ToBeDeletedByClusterAutoscaler".to_owned()],
            ..NodeFacts::default()
        }),
    ];
    let staying = NodeState::Present(NodeFacts {
        addresses: vec![std::net::Ipv4Addr::new(192, 0, 2, 7).into()],
        taints: vec!["dedicated".to_owned()],
        ..NodeFacts::default()
    });
    let (node, following) = watch::channel(staying.clone());
    let (watch, feed) = ClusterWatch::detached();
    let kernel = MemoryDataplane::default();
    let proxy = Proxy::new(
        ProxyConfig::default(),
        watch.subscribe(),
        Box::new(kernel.clone()),
    );
    let running = run(watch, feed, proxy.following(following, None))
        .serving_web()
        .await;
    let (_servers, health, _) = running.servers();
    for state in leaving {
        node.send_replace(state.clone());
        let answer = get(health, "/healthz").await.expect("answers");
        assert_eq!(
            (answer.status, &answer.json()["nodeEligible"]),
            (503, &false.into()),
            "{state:?}"
        );
        assert_eq!(get(health, "/livez").await.expect("answers").status, 200);
        node.send_replace(staying.clone());
        assert_eq!(get(health, "/healthz").await.expect("answers").status, 200);
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_fatal_only_if_asked_for_and_tried_again_else() {
    let address = SocketAddr::from(([127, 0, 0, 1], own_port()));
    let taken = TcpListener::bind(address).await.expect("is free");
    let kernel = MemoryDataplane::default();
    let running = start(ProxyConfig::default(), &kernel);
    let mut config = ServersConfig {
        health: Some(address),
        metrics: None,
        bind_hard_fail: true,
        ..ServersConfig::default()
    };
    let error = Servers::start(&config, &running.handle.view(), &pages());
    let error = error.expect_err("the address is taken").to_string();
    let expected = "can't be served at 127.0.0.1:PORT: Address already in use (os error 98); \
         give another address, or leave bindAddressHardFail off to have it tried again";
    assert_eq!(
        error,
        format!(
            "health {}",
            expected.replace("PORT", &address.port().to_string())
        )
    );
    config.bind_hard_fail = false;
    let servers = Servers::start(&config, &running.handle.view(), &pages()).expect("tries again");
    assert_eq!(servers.health, None);
    drop(taken);
    get_until(address, "/healthz", |answer| answer.is_some()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_and_greedy_clients_get_no_more_than_their_share() {
    let kernel = MemoryDataplane::default();
    let running = start(ProxyConfig::default(), &kernel);
    let (_servers, health, _) = running.servers();
    let mut greedy = TcpStream::connect(health).await.expect("listens");
    let head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    // The server may hang up before it has heard all of this.
    let _ = greedy.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = greedy.read_to_end(&mut answer).await;
    assert!(
        !answer.starts_with(b"HTTP/1.1 2"),
        "a head of a megabyte was taken"
    );
    // As many as there may be, and none of them says a word.
    let mut slow = Vec::new();
    for _ in 0..256 {
        slow.push(TcpStream::connect(health).await.expect("listens"));
    }
    let one_more = tokio::time::timeout(Duration::from_millis(500), get(health, "/healthz"));
    assert!(one_more.await.is_err(), "one more was let in");
    // They are cut off after ten seconds; others wait for that in the kernel's queue.
    assert_eq!(get(health, "/healthz").await.expect("answers").status, 200);
    running.stop().await;
}
