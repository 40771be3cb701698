//! Endpoints and EndpointSlices: the first three addresses, and how many more there are.

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{NONE, age, first_three, items, name, number, text};
use super::{Column, Printer};

pub(super) static ENDPOINTS: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Endpoints", "Addresses and ports that are ready."),
        Column::AGE,
    ],
    print: print_endpoints,
};

pub(super) static ENDPOINT_SLICE: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("AddressType", "The family of the addresses, or FQDN."),
        Column::text("Ports", "The ports of every endpoint."),
        Column::text("Endpoints", "The addresses of the endpoints."),
        Column::AGE,
    ],
    print: print_slice,
};

/// How a slice without a value looks.
const UNSET: &str = "<unset>";

fn print_endpoints(endpoints: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(name(endpoints)),
        json!(ready_addresses(endpoints)),
        json!(age(endpoints, now)),
    ]
}

fn ready_addresses(endpoints: &Value) -> String {
    let subsets = items(&endpoints["subsets"]);
    if subsets.is_empty() {
        return NONE.to_owned();
    }
    let mut shown = Vec::with_capacity(3);
    let mut count = 0;
    for subset in subsets {
        let addresses = items(&subset["addresses"]);
        let ports = items(&subset["ports"]);
        // A headless Service may have no ports; its addresses stand alone.
        let ports: Vec<Option<i64>> = match ports {
            [] => vec![None],
            ports => ports
                .iter()
                .map(|port| Some(number(&port["port"])))
                .collect(),
        };
        for port in ports {
            count += addresses.len();
            let missing = 3 - shown.len();
            shown.extend(addresses.iter().take(missing).map(|address| {
                let ip = text(&address["ip"]);
                match port {
                    None => ip.to_owned(),
                    Some(port) if ip.contains(':') => format!("[{ip}]:{port}"),
                    Some(port) => format!("{ip}:{port}"),
                }
            }));
        }
    }
    first_three(&shown, count)
}

fn print_slice(slice: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(name(slice)),
        json!(text(&slice["addressType"])),
        json!(slice_ports(slice)),
        json!(slice_addresses(slice)),
        json!(age(slice, now)),
    ]
}

fn slice_ports(slice: &Value) -> String {
    let ports = items(&slice["ports"]);
    let shown: Vec<String> = ports
        .iter()
        .take(3)
        .map(|port| match (&port["port"], text(&port["name"])) {
            (Value::Number(number), _) => number.to_string(),
            (_, "") => "*".to_owned(),
            (_, name) => name.to_owned(),
        })
        .collect();
    or_unset(first_three(&shown, ports.len()))
}

fn slice_addresses(slice: &Value) -> String {
    let addresses = || {
        items(&slice["endpoints"])
            .iter()
            .flat_map(|endpoint| items(&endpoint["addresses"]))
    };
    let shown: Vec<String> = addresses()
        .take(3)
        .map(|address| text(address).to_owned())
        .collect();
    or_unset(first_three(&shown, addresses().count()))
}

fn or_unset(cell: String) -> String {
    if cell.is_empty() {
        UNSET.to_owned()
    } else {
        cell
    }
}
