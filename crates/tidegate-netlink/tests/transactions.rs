//! Transactions: all or nothing, and whose fault it was.

mod support;

use support::{nft, own_namespace};
use tidegate_netlink::nftables::{
    Batch, Chain, CommitError, Datatype, Element, Family, Nftables, Set, Table, Tuple, rule,
};

/// A table with one map from ports to addresses.
fn ports() -> (Table, Set) {
    let set = Set::map(
        "ports",
        [Datatype::InetService, Datatype::Number],
        [Datatype::Ipv4Addr],
    );
    (Table::new(Family::Ip, "example"), set)
}

fn port(number: u32) -> Element {
    let low = u16::try_from(number & 0xffff).expect("16 bits");
    let address = std::net::IpAddr::from(number.to_be_bytes());
    Element::entry(
        Tuple::new().port(low).number(number),
        Tuple::new().address(address),
    )
}

#[test]
fn a_hundred_thousand_elements_go_in_at_once_and_come_back() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    let (table, set) = ports();
    let elements: Vec<Element> = (0..100_000).map(port).collect();
    let mut batch = Batch::new();
    batch.add_table(&table);
    batch.add_set(&table, &set);
    batch.add_elements(&table, &set, &elements);
    nftables.commit(batch).expect("accepted");
    let mut there = nftables.elements(&table, &set).expect("elements");
    there.sort();
    let mut wanted = elements;
    wanted.sort();
    assert_eq!(there.len(), wanted.len());
    let differ = there
        .iter()
        .zip(&wanted)
        .find(|(there, wanted)| there != wanted);
    assert_eq!(differ, None);
}

#[test]
fn a_refused_element_is_named_and_nothing_is_changed() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    let (table, set) = ports();
    let mut batch = Batch::new();
    batch.add_table(&table);
    batch.add_set(&table, &set);
    batch.add_elements(&table, &set, &[port(1)]);
    nftables.commit(batch).expect("accepted");
    let mut batch = Batch::new();
    batch.add_elements(&table, &set, &[port(2)]);
    batch.delete_elements(&table, &set, &[port(3)]);
    let error = nftables.commit(batch).expect_err("element 3 isn't there");
    assert_eq!(
        error.to_string(),
        "the kernel refused `delete element ip example ports { 3 . 0x00000003 : 0.0.0.3 }`: No such file or directory"
    );
    let CommitError::Refused(refused) = error else {
        panic!("another kind of error: {error}");
    };
    assert_eq!((refused[0].call, refused[0].elements.clone()), (1, 0..1));
    assert_eq!(
        nftables.elements(&table, &set).expect("elements"),
        [port(1)]
    );
}

#[test]
fn a_batch_that_was_overtaken_is_refused() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    let generation = nftables.generation().expect("a generation");
    nft(&["add", "table", "ip", "foreign"]);
    let (table, _) = ports();
    let mut batch = Batch::since(generation);
    batch.add_table(&table);
    let error = nftables.commit(batch).expect_err("nft came first");
    assert!(matches!(error, CommitError::Overtaken), "{error}");
    let mut batch = Batch::since(nftables.generation().expect("a generation"));
    batch.add_table(&table);
    nftables.commit(batch).expect("nobody came first");
}

#[test]
fn a_foreign_edit_of_a_rule_is_seen() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    let table = Table::new(Family::Ip, "example");
    let wanted = rule().jump("other");
    let mut batch = Batch::new();
    batch.add_table(&table);
    for name in ["one", "other", "third"] {
        batch.add_chain(&table, &Chain::regular(name));
    }
    batch.add_rule(&table, "one", &wanted);
    nftables.commit(batch).expect("accepted");
    for edit in [
        "jump third",
        "counter jump other",
        "ip saddr 10.0.0.1 jump other",
    ] {
        nft(&[
            "replace", "rule", "ip", "example", "one", "handle", "4", edit,
        ]);
        let rules = nftables.rules(&table).expect("rules");
        assert!(!rules[0].is(&wanted), "{edit} went unnoticed");
    }
}
