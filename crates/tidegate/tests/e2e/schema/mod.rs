//! Every table of the record schema, asked of `tidegate dns` in a cluster with a real API.

mod api;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tidegate_dns_schema::{
    ALL, Cluster, Row, Table, ask, check, code_of_zone, serve_names_elsewhere,
};
use tokio::runtime::Runtime;

use self::api::{Api, Refused};
use crate::dns_program::DnsProgram;
use crate::machine::Machine;
use crate::wait::until;

/// Where the server listens, in the machine's own namespace.
fn address_of_server(cluster: Cluster) -> SocketAddr {
    let address: IpAddr = match cluster {
        Cluster::DualStack | Cluster::Ipv4 => Ipv4Addr::LOCALHOST.into(),
        Cluster::Ipv6 => Ipv6Addr::LOCALHOST.into(),
    };
    (address, 53).into()
}

/// Asks all tables of a cluster. The API refuses the Services with these names, and nothing else.
fn check_tables_of(cluster: Cluster, refused: &[&str]) {
    let machine = Machine::new();
    machine.inside(|| {
        let runtime = Runtime::new().expect("a runtime");
        let elsewhere = runtime.block_on(serve_names_elsewhere());
        let api = runtime.block_on(Api::start(&machine, cluster));
        let names: Vec<&str> = api.refused.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, refused, "{:?}", api.refused);
        let tables: Vec<Table> = ALL
            .into_iter()
            .filter(|table| table.cluster == cluster)
            .collect();
        let is_served_alike = |one: &Table, other: &Table| {
            (one.options, one.is_synced) == (other.options, other.is_synced)
        };
        let mut complaints = Vec::new();
        for tables in tables.chunk_by(is_served_alike) {
            let server = serve(&machine, &tables[0], elsewhere);
            for table in tables {
                complaints.extend(check_table(table, &api.refused));
            }
            assert!(!server.said().contains("panicked"), "{}", server.said());
        }
        let count = complaints.len();
        assert!(count == 0, "{count} wrong:\n{}", complaints.join("\n"));
        runtime.block_on(api.stop());
    });
}

/// Starts a server, and waits until it knows the cluster as well as the table wants.
fn serve(machine: &Machine, table: &Table, elsewhere: SocketAddr) -> DnsProgram {
    let address = address_of_server(table.cluster);
    let bind = format!("bind {}", address.ip());
    let corefile = table.corefile(address.port(), elsewhere, &bind);
    let advertised = table.cluster.dns_address().to_string();
    let kubeconfig = std::fs::read_to_string(machine.kubeconfig()).expect("reads");
    let (kubeconfig, code) = match table.is_synced {
        true => (kubeconfig, 0),
        // Nobody listens there.
        false => (kubeconfig.replace(":6443", ":6444"), 2),
    };
    let kubeconfig = machine.file("dns.kubeconfig", &kubeconfig);
    let flags = ["--advertise", &advertised, "--kubeconfig", &kubeconfig];
    let server = DnsProgram::start(machine, &corefile, &flags);
    until("the server is ready", || match code_of_zone(address) {
        Ok(said) if said == code => Ok(()),
        other => Err((other, server.said())),
    });
    server
}

/// Asks the rows of a table that say nothing of what the API refused.
fn check_table(table: &Table, refused: &[Refused]) -> Vec<String> {
    let mut rows: Vec<Row> = table.rows();
    for Refused { name, reason } in refused {
        let left_out: Vec<Row> = rows.extract_if(.., |row| row.tells_of(name)).collect();
        if !left_out.is_empty() {
            eprintln!("{}: skipped, because the API says: {reason}", table.name);
            left_out.iter().for_each(|row| eprintln!("    {row}"));
        }
    }
    let server = address_of_server(table.cluster);
    let complaints = check(&rows, &|packet, transport| {
        Some(ask(server, packet, transport))
    });
    eprintln!("{}: {} rows", table.name, rows.len());
    complaints
        .into_iter()
        .map(|complaint| format!("{}: {complaint}", table.name))
        .collect()
}

/// Services whose external names aren't what the API takes for domain names: a capital letter, and
/// colons. CoreDNS and this server know what to do with them, so that the tables ask.
const NO_DOMAIN_NAMES: [&str; 2] = ["shouting.default.svc.", "literal6.default.svc."];

#[test]
fn the_program_keeps_the_record_schema_in_a_cluster_with_both_families() {
    check_tables_of(Cluster::DualStack, &NO_DOMAIN_NAMES);
}

#[test]
fn the_program_keeps_the_record_schema_in_a_cluster_with_ipv4_only() {
    check_tables_of(Cluster::Ipv4, &NO_DOMAIN_NAMES);
}

#[test]
fn the_program_keeps_the_record_schema_in_a_cluster_with_ipv6_only() {
    check_tables_of(Cluster::Ipv6, &[]);
}
