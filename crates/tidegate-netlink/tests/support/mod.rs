//! What the tests with a real kernel share: each runs in a network namespace of its own, which ends
//! with its thread.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use std::process::Command;
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use tidegate_netlink::nftables::{
    BaseChain, Batch, Chain, ChainType, Datatype, Element, Expression, Family, Field, Hook, Reject,
    Set, Statement, Table, TableListing, Test, Tuple, Verdict, concat, random, rule,
};

/// Gives the calling thread, and what it starts, a network namespace of its own.
pub(crate) fn own_namespace() {
    unshare(CloneFlags::CLONE_NEWNET).expect("the tests run as root");
}

pub(crate) fn nft(arguments: &[&str]) -> String {
    run_with("nft", arguments)
}

/// Runs a command, of words without blanks, and gives what it prints.
pub(crate) fn run(line: &str) -> String {
    let words: Vec<_> = line.split_whitespace().collect();
    run_with(words[0], &words[1..])
}

fn run_with(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    let succeeded = output.status.success();
    assert!(succeeded, "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// A listing without layout: one word after another.
pub(crate) fn words(listing: &str) -> Vec<&str> {
    listing.split_whitespace().collect()
}

pub(crate) fn example(family: Family) -> TableListing {
    let (address, one, two): (_, std::net::IpAddr, std::net::IpAddr) = match family {
        Family::Ip => (
            Datatype::Ipv4Addr,
            [10, 96, 0, 1].into(),
            [10, 0, 0, 2].into(),
        ),
        Family::Ip6 => (
            Datatype::Ipv6Addr,
            "fd00:96::1".parse().expect("address"),
            "fd00::2".parse().expect("address"),
        ),
    };
    let (service, protocol) = (Datatype::InetService, Datatype::InetProto);
    let actions = Set::verdict_map("actions", [protocol]);
    let slots = Set::map(
        "slots",
        [address, protocol, service, Datatype::Number],
        [address, service],
    );
    let pods = Set::of("pods", [address]).with_intervals();
    let admitted = Set::of("admitted", [address, protocol, service, address]).with_intervals();
    let affinity = Set::map("affinity", [protocol, service, address], [Datatype::Number])
        .dynamic(65536)
        .with_timeout();
    let backends = Set::of("backends", [Datatype::Name, address, service]);
    let seen = Set::of("seen", [address]).dynamic(128);
    let names = Set::of("names", [Datatype::Name]);

    let tuple = Tuple::new().address(one).protocol(6).port(80);
    let frontend = || concat([Field::daddr(family), Field::PROTOCOL, Field::DPORT]);
    let listed = Set::of("listed", [address, protocol, service]);
    let client = || concat([Field::PROTOCOL, Field::DPORT, Field::saddr(family)]);
    let slot = || {
        Expression::Concat(vec![
            Field::daddr(family).into(),
            Field::PROTOCOL.into(),
            Field::DPORT.into(),
            random(2, 0x20000),
        ])
        .look_up(&slots)
    };
    let name = |text| Tuple::new().name(text);
    TableListing {
        table: Table {
            comment: Some("an example".to_owned()),
            ..Table::new(family, "example")
        },
        sets: vec![
            (
                listed.clone(),
                vec![Element::key(tuple.clone()).with_comment("default/web:http/tcp")],
            ),
            (
                actions.clone(),
                vec![Element::verdict(
                    Tuple::new().protocol(6),
                    Verdict::Goto("pick-2".to_owned()),
                )],
            ),
            (
                slots.clone(),
                vec![
                    Element::entry(
                        tuple.clone().number(0x20000),
                        Tuple::new().address(two).port(8080),
                    ),
                    Element::entry(
                        tuple.clone().number(0x20001),
                        Tuple::new().address(one).port(8081),
                    ),
                ],
            ),
            (
                pods.clone(),
                vec![
                    Element::key(Tuple::new().address(two)),
                    Element::range(
                        Tuple::new().address(one),
                        Tuple::new().address(match one {
                            std::net::IpAddr::V4(_) => std::net::IpAddr::from([10, 96, 0, 9]),
                            std::net::IpAddr::V6(_) => "fd00:96::ffff".parse().expect("address"),
                        }),
                    ),
                ],
            ),
            (
                admitted.clone(),
                vec![Element::range(
                    tuple.clone().address(one),
                    tuple.address(one),
                )],
            ),
            (affinity, vec![]),
            (backends, vec![]),
            (seen, vec![]),
            (names.clone(), vec![Element::key(name("eth0"))]),
        ],
        chains: vec![
            (Chain::regular("pick-2"), vec![rule().dnat(family, slot())]),
            (
                Chain::regular("remember"),
                vec![rule().then(Statement::Learn {
                    set: "affinity".into(),
                    key: client(),
                    data: Some(Expression::Hash {
                        of: Box::new(Field::saddr(family).into()),
                        modulus: 7,
                        seed: 0xbeef,
                        offset: 1,
                    }),
                    timeout: Some(Duration::from_secs(3700)),
                })],
            ),
            (
                Chain::regular("reject"),
                vec![
                    Field::PROTOCOL
                        .is(Tuple::new().protocol(6))
                        .reject(family, Reject::TcpReset),
                    rule().reject(family, Reject::PortUnreachable),
                ],
            ),
            (
                Chain {
                    name: "prerouting".to_owned(),
                    base: Some(BaseChain {
                        chain_type: ChainType::Nat,
                        hook: Hook::Prerouting,
                        priority: -100,
                    }),
                },
                vec![
                    frontend().within(&listed).drop(),
                    Expression::from(Field::PROTOCOL).verdict_from(&actions),
                    Field::DADDR_TYPE
                        .is(Tuple::new().number(Datatype::LOCAL))
                        .then(Statement::Learn {
                            set: "seen".into(),
                            key: Field::daddr(family).into(),
                            data: None,
                            timeout: None,
                        }),
                    Expression::from(Field::saddr(family))
                        .outside(&pods)
                        .goto("reject"),
                    concat([
                        Field::daddr(family),
                        Field::PROTOCOL,
                        Field::DPORT,
                        Field::saddr(family),
                    ])
                    .outside(&admitted)
                    .drop(),
                    Expression::from(Field::INPUT_INTERFACE)
                        .within(&names)
                        .back(),
                    Field::INPUT_INTERFACE.is(name("cni0")).back(),
                    rule()
                        .when(
                            Field::INPUT_INTERFACE.into(),
                            Test::StartsWith("cali".to_owned()),
                        )
                        .back(),
                ],
            ),
            (
                Chain {
                    name: "output".to_owned(),
                    base: Some(BaseChain {
                        chain_type: ChainType::Nat,
                        hook: Hook::Output,
                        priority: -100,
                    }),
                },
                vec![rule().jump("reject")],
            ),
            (
                Chain {
                    name: "early".to_owned(),
                    base: Some(BaseChain {
                        chain_type: ChainType::Filter,
                        hook: Hook::Prerouting,
                        priority: -110,
                    }),
                },
                vec![rule().then(Statement::Verdict(Verdict::Accept))],
            ),
            (
                Chain {
                    name: "forward".to_owned(),
                    base: Some(BaseChain {
                        chain_type: ChainType::Filter,
                        hook: Hook::Forward,
                        priority: 0,
                    }),
                },
                vec![],
            ),
            (
                Chain {
                    name: "postrouting".to_owned(),
                    base: Some(BaseChain {
                        chain_type: ChainType::Nat,
                        hook: Hook::Postrouting,
                        priority: 100,
                    }),
                },
                vec![
                    rule()
                        .when(Field::CONNECTION_STATUS.into(), Test::Has(Datatype::DNAT))
                        .and(
                            concat([
                                Field::original_daddr(family),
                                Field::PROTOCOL,
                                Field::ORIGINAL_PORT,
                            ])
                            .within(&listed),
                        )
                        .masquerade(),
                    rule().masquerade(),
                ],
            ),
        ],
    }
}

pub(crate) fn load(listing: &TableListing) -> Batch {
    let mut batch = Batch::new();
    let table = &listing.table;
    batch.add_table(table);
    for (chain, _) in &listing.chains {
        batch.add_chain(table, chain);
    }
    for (set, elements) in &listing.sets {
        batch.add_set(table, set);
        batch.add_elements(table, set, elements);
    }
    for (chain, rules) in &listing.chains {
        for rule in rules {
            batch.add_rule(table, &chain.name, rule);
        }
    }
    batch
}
