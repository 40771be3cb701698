//! The tables that keep connection tracking away, and in whose comments it stands which addresses
//! came from us.

use std::net::IpAddr;

use tidegate_netlink::SocketError;
use tidegate_netlink::nftables::{
    BaseChain, Batch, Chain, ChainType, Expression, Family, Field, Hook, Nftables, Rule, Statement,
    Table, Test, Tuple, rule,
};

use crate::error::NodeLocalError;

const TABLE: &str = "tidegate-dns";
/// What the comment of a table begins with; the addresses that came from us follow.
const COMMENT: &str = "DNS of this node by tidegate, with the addresses:";
/// Before connection tracking, which has −200.
const RAW: i32 = -300;
const DNS_PORT: u16 = 53;
const PROTOCOLS: [u8; 2] = [17, 6];

/// The addresses that came from us.
pub(crate) fn read(nftables: &mut Nftables) -> Result<Vec<IpAddr>, SocketError> {
    let mut ours = Vec::new();
    for family in Family::ALL {
        let tables = nftables.tables(family)?;
        let comment = tables.into_iter().find(|table| table.name == TABLE);
        let comment = comment.and_then(|table| table.comment).unwrap_or_default();
        let listed = comment.strip_prefix(COMMENT).unwrap_or_default();
        ours.extend(
            listed
                .split_whitespace()
                .filter_map(|word| word.parse::<IpAddr>().ok()),
        );
    }
    Ok(ours)
}

/// Puts tables in place of those that are there, in one transaction: `ours` are the addresses that
/// came from us, and `untracked` those that conntrack shall not see. Without any there is no table.
pub(crate) fn write(
    nftables: &mut Nftables,
    ours: &[IpAddr],
    untracked: &[IpAddr],
) -> Result<(), NodeLocalError> {
    let mut batch = Batch::new();
    for family in Family::ALL {
        let of_family = |addresses: &[IpAddr]| -> Vec<IpAddr> {
            let is_v6 = family == Family::Ip6;
            addresses
                .iter()
                .filter(|one| one.is_ipv6() == is_v6)
                .copied()
                .collect()
        };
        let (ours, mut untracked) = (of_family(ours), of_family(untracked));
        untracked.extend(
            ours.iter()
                .filter(|one| !untracked.contains(one))
                .copied()
                .collect::<Vec<_>>(),
        );
        let is_there = nftables
            .tables(family)?
            .iter()
            .any(|table| table.name == TABLE);
        let words: Vec<String> = ours.iter().map(IpAddr::to_string).collect();
        let table = Table {
            comment: Some(format!("{COMMENT} {}", words.join(" "))),
            ..Table::new(family, TABLE)
        };
        if is_there {
            batch.delete_table(&table);
        }
        if !untracked.is_empty() {
            add(&mut batch, &table, &untracked);
        }
    }
    if !batch.is_empty() {
        nftables.commit(batch)?;
    }
    Ok(())
}

/// Questions come in from pods, or leave a process of the node's own; answers leave, and those for
/// the node's own processes come in again.
fn add(batch: &mut Batch, table: &Table, addresses: &[IpAddr]) {
    batch.add_table(table);
    for (name, hook) in [("incoming", Hook::Prerouting), ("outgoing", Hook::Output)] {
        let chain = Chain {
            name: name.to_owned(),
            base: Some(BaseChain {
                chain_type: ChainType::Filter,
                hook,
                priority: RAW,
            }),
        };
        batch.add_chain(table, &chain);
        for address in addresses {
            for protocol in PROTOCOLS {
                for is_answer in [false, true] {
                    let rule = untrack(table.family, *address, protocol, is_answer);
                    batch.add_rule(table, name, &rule);
                }
            }
        }
    }
}

fn untrack(family: Family, address: IpAddr, protocol: u8, is_answer: bool) -> Rule {
    let (own, port) = match is_answer {
        true => (Field::saddr(family), Field::SPORT),
        false => (Field::daddr(family), Field::DPORT),
    };
    let is = |field: Field, value: Tuple| (Expression::Field(field), Test::Is(value));
    let tests = [
        is(own, Tuple::new().address(address)),
        is(Field::PROTOCOL, Tuple::new().protocol(protocol)),
        is(port, Tuple::new().port(DNS_PORT)),
    ];
    let asked = tests
        .into_iter()
        .fold(rule(), |rule, (left, test)| rule.when(left, test));
    asked.then(Statement::Untrack)
}
