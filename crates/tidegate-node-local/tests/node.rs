//! On a node of the test's own: what `ip` and `nft` show, and what packets find.

use std::net::{IpAddr, UdpSocket};
use std::time::Duration;

use tidegate_node_local::{remove, set_up, take_down};
use tidegate_testnet::{Host, run};

const LOCAL: [&str; 2] = ["169.254.20.10", "fd00::53"];

fn local() -> Vec<IpAddr> {
    LOCAL.map(|text| text.parse().expect("an address")).into()
}

fn shown() -> String {
    run("ip -o addr show dev lo") + &run("nft list ruleset")
}

#[test]
fn an_address_comes_and_goes_without_a_trace() {
    Host::new().with(|| {
        run("nft add table ip mine");
        let before = shown();
        set_up(&local()).expect("set up");
        let with = shown();
        for address in LOCAL {
            assert!(with.contains(&format!("{address}/")), "{with}");
            assert_eq!(
                with.matches(&format!("daddr {address} ")).count(),
                4,
                "{with}"
            );
        }
        set_up(&local()).expect("it may be so already");
        assert_eq!(shown(), with);
        assert_eq!(take_down(&local()).expect("taken down"), local());
        assert_eq!(shown(), before);
        assert!(take_down(&local()).expect("nothing left").is_empty());
    });
}

#[test]
fn an_address_stays_while_another_server_has_it() {
    Host::new().with(|| {
        set_up(&local()).expect("set up");
        let other = UdpSocket::bind((local()[0], 53)).expect("bound");
        assert_eq!(take_down(&local()).expect("taken down"), local()[1..]);
        assert!(shown().contains(LOCAL[0]) && !shown().contains(LOCAL[1]));
        drop(other);
        assert_eq!(take_down(&local()).expect("taken down"), local()[..1]);
        assert!(!shown().contains(LOCAL[0]));
    });
}

#[test]
fn an_address_that_somebody_else_gave_stays() {
    Host::new().with(|| {
        run("ip addr add 169.254.20.10/32 dev lo");
        let before = shown();
        set_up(&local()).expect("set up");
        assert_eq!(take_down(&local()).expect("taken down"), local()[1..]);
        remove().expect("removed");
        assert_eq!(shown(), before);
    });
}

#[test]
fn queries_and_answers_are_not_tracked_and_everything_else_is() {
    Host::new().with(|| {
        set_up(&local()).expect("set up");
        run("nft add table inet watch");
        run("nft add chain inet watch input { type filter hook input priority 0; }");
        for port in ["dport", "sport"] {
            for state in ["untracked", "new,established"] {
                run(&format!("nft add rule inet watch input udp {port} 53 ct state {state} counter comment \"{port}-{state}\""));
            }
        }
        run("nft add rule inet watch input udp dport 54 ct state new counter comment \"other\"");
        let server = UdpSocket::bind((local()[0], 53)).expect("bound");
        let client = UdpSocket::bind("127.0.0.1:0").expect("bound");
        for socket in [&server, &client] {
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        }
        let mut buffer = [0; 16];
        client.send_to(b"question", (local()[0], 53)).expect("sent");
        let (_, from) = server.recv_from(&mut buffer).expect("a question");
        server.send_to(b"answer", from).expect("sent");
        client.recv_from(&mut buffer).expect("an answer");
        client.send_to(b"other", (local()[0], 54)).expect("sent");
        let counted = run("nft list chain inet watch input");
        let packets = |comment: &str| {
            let line = counted.lines().find(|line| line.contains(&format!("\"{comment}\"")));
            let mut words = line.expect("the rule").split_whitespace();
            words.find(|word| *word == "packets");
            words.next().expect("a number").to_owned()
        };
        assert_eq!(packets("dport-untracked"), "1", "{counted}");
        assert_eq!(packets("sport-untracked"), "1", "{counted}");
        assert_eq!(packets("dport-new,established"), "0", "{counted}");
        assert_eq!(packets("sport-new,established"), "0", "{counted}");
        assert_eq!(packets("other"), "1", "{counted}");
    });
}
