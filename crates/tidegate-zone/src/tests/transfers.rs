//! Everything at once.

use std::collections::BTreeSet;
use std::str::FromStr;

use hickory_proto::rr::{Name, RecordType};
use tidegate_dns_wire::{LowerName, Target};

use super::{ask, fixture};
use crate::transfer;

fn wire(target: &Target<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    target.write(&mut bytes);
    bytes
}

/// Owner and type of every record, in order.
fn told() -> Vec<(String, String)> {
    let settings = fixture::settings();
    let mut told = Vec::new();
    transfer(
        &settings,
        &fixture::index(),
        &settings.domains[0],
        &mut |record| {
            let owner = LowerName::from_wire(&wire(&record.owner)).expect("a name");
            told.push((owner.to_string(), record.data.kind().to_string()));
        },
    );
    told
}

#[test]
fn a_transfer_begins_and_ends_with_the_soa() {
    let told = told();
    let soa = ("cluster.local.".to_owned(), "SOA".to_owned());
    assert_eq!((told.first(), told.last()), (Some(&soa), Some(&soa)));
    assert_eq!(told.iter().filter(|one| **one == soa).count(), 2);
}

#[test]
fn every_record_that_is_told_is_an_answer_and_the_other_way_round() {
    let told: BTreeSet<(String, String)> = told().into_iter().collect();
    for (name, kind) in &told {
        let answer = ask(&format!("{} {kind}", name.trim_end_matches('.')));
        let owner = Name::from_str(name).expect("a name").to_string();
        let line = format!("{owner} ");
        assert!(answer.contains(&line), "{name} {kind}: {answer}");
    }
    let kinds = [RecordType::A, RecordType::AAAA, RecordType::SRV];
    for name in [
        "web.default.svc",
        "dual.default.svc",
        "pods.default.svc",
        "pod-0.pods.default.svc",
        "10-1-0-3.pods.default.svc",
        "_http._tcp.pods.default.svc",
        "_dns._udp.web.default.svc",
        "bare.default.svc",
    ] {
        for kind in kinds {
            let answer = ask(&format!("{name}.cluster.local {kind}"));
            let is_answered = answer.contains(&format!("IN {kind}"));
            let is_told = told.contains(&(format!("{name}.cluster.local."), kind.to_string()));
            // SRV at a host's own name is an answer that no specification asks for.
            if kind == RecordType::SRV && !name.starts_with('_') && name.split('.').count() > 3 {
                continue;
            }
            assert_eq!(is_answered, is_told, "{name} {kind}: {answer}");
        }
    }
    assert!(!told.iter().any(|(name, _)| name.contains("waiting")));
}
