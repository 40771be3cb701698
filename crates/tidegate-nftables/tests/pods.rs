//! How the pods' traffic is told, in the printed program.

use tidegate_nftables::render;
use tidegate_plan::{PlanSettings, PodTraffic};
use tidegate_testnet::Cluster;

/// The program of one family without Services.
fn program(pod_traffic: PodTraffic, family: &str) -> String {
    let cluster = Cluster::with(PlanSettings {
        pod_traffic,
        ..Cluster::settings()
    });
    let text = render(cluster.plan());
    let table = format!("table {family} tidegate {{");
    let (_, of_family) = text.split_once(&table).expect("there is such a table");
    let end = of_family.find("\n}").unwrap_or(of_family.len());
    of_family[..end].to_owned()
}

#[test]
fn line_24_without_a_range_of_a_family_nothing_there_is_masqueraded_as_from_outside() {
    let v4 = PodTraffic::Cidrs(vec!["10.244.0.0/16".parse().expect("a range")]);
    assert_eq!(
        program(v4.clone(), "ip6"),
        program(PodTraffic::Unknown, "ip6")
    );
    let told = program(v4, "ip");
    assert!(told.contains("ip saddr @pods return"), "{told}");
    let untold = program(PodTraffic::Unknown, "ip");
    let (_, chain) = untold
        .split_once("chain masquerade-unless-pod {")
        .expect("there is such a chain");
    let chain = chain.split('}').next().unwrap_or_default();
    assert_eq!(chain.trim(), "", "{untold}");
}
