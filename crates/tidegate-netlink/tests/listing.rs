//! What this crate sends and prints is what `nft` finds in the kernel, and what it reads back.

mod support;

use support::{example, load, nft, own_namespace, words};
use tidegate_netlink::nftables::{Batch, Family, Nftables, TableListing};

#[test]
fn nft_lists_what_we_print() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    for family in Family::ALL {
        let listing = example(family);
        nftables
            .commit(load(&listing))
            .expect("the example is accepted");
        let by_nft = nft(&["list", "table", &family.to_string(), "example"]);
        let ours = listing.to_string();
        assert_eq!(
            words(&by_nft),
            words(&ours),
            "nft printed\n{by_nft}\nwe printed\n{ours}"
        );
    }
}

/// What the kernel has, as the program it would be.
fn read_back(nftables: &mut Nftables, listing: &TableListing) {
    let table = &listing.table;
    let tables = nftables.tables(table.family).expect("tables");
    assert_eq!(tables, std::slice::from_ref(table), "with its comment");
    let chains = nftables.chains(table).expect("chains");
    assert_eq!(chains.len(), listing.chains.len());
    for (found, (chain, _)) in chains.iter().zip(&listing.chains) {
        assert!(found.is(chain), "{found:?} should be {chain:?}");
    }
    let rules = nftables.rules(table).expect("rules");
    let wanted = listing
        .chains
        .iter()
        .flat_map(|(chain, rules)| rules.iter().map(move |rule| (chain, rule)));
    assert_eq!(rules.len(), wanted.clone().count());
    for (index, (found, (chain, rule))) in rules.iter().zip(wanted.clone()).enumerate() {
        assert_eq!(found.chain, chain.name);
        assert!(found.is(rule), "{rule} isn't recognised");
        let others = wanted.clone().enumerate().filter(|(at, _)| *at != index);
        for (_, (_, other)) in others.filter(|(_, (_, other))| *other != rule) {
            assert!(!found.is(other), "{rule} is taken for {other}");
        }
    }
    let sets = nftables.sets(table).expect("sets");
    assert_eq!(sets.len(), listing.sets.len());
    for (found, (set, elements)) in sets.iter().zip(&listing.sets) {
        assert!(found.is(set), "{found:?} should be {set:?}");
        let mut there = nftables.elements(table, set).expect("elements");
        let mut wanted = elements.clone();
        there.sort();
        wanted.sort();
        assert_eq!(there, wanted, "{}", set.name);
    }
}

#[test]
fn the_kernel_gives_back_what_it_was_given() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    for family in Family::ALL {
        let listing = example(family);
        nftables
            .commit(load(&listing))
            .expect("the example is accepted");
        read_back(&mut nftables, &listing);
        let mut batch = Batch::new();
        batch.delete_table(&listing.table);
        nftables.commit(batch).expect("the table can be deleted");
        assert!(nftables.tables(family).expect("tables").is_empty());
    }
}

#[test]
fn what_was_added_can_be_taken_away_piece_by_piece() {
    own_namespace();
    let mut nftables = Nftables::open().expect("nf_tables is there");
    let listing = example(Family::Ip);
    let table = &listing.table;
    nftables.commit(load(&listing)).expect("accepted");
    let mut batch = Batch::new();
    for (chain, _) in &listing.chains {
        batch.flush_chain(table, &chain.name);
    }
    for (set, _) in &listing.sets {
        batch.flush_set(table, &set.name);
        batch.delete_set(table, &set.name);
    }
    for (chain, _) in &listing.chains {
        batch.delete_chain(table, &chain.name);
    }
    nftables.commit(batch).expect("accepted");
    let empty = "table ip example { comment \"an example\" }";
    assert_eq!(words(&nft(&["list", "ruleset"])), words(empty));
}
