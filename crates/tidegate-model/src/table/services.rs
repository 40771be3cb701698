//! Services: `NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE`, and `SELECTOR`; and the objects that
//! their addresses come from.

use std::collections::BTreeSet;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::format::{NONE, UNKNOWN, age, items, labels, name, number, text, text_or};
use super::{Column, Printer};

pub(super) static SERVICE: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("Type", "How the Service is reached."),
        Column::text("Cluster-IP", "The address of the Service in the cluster."),
        Column::text("External-IP", "Where the Service is reached from outside."),
        Column::text("Port(s)", "Ports, with their node ports."),
        Column::AGE,
        Column::text("Selector", "The labels of the pods that answer.").wide(),
    ],
    print: print_service,
};

pub(super) static IP_ADDRESS: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("ParentRef", "The object that holds the address."),
        Column::AGE,
    ],
    print: print_ip_address,
};

pub(super) static SERVICE_CIDR: Printer = Printer {
    columns: &[
        Column::NAME,
        Column::text("CIDRs", "The networks that Services get addresses from."),
        Column::AGE,
    ],
    print: print_service_cidr,
};

fn print_service(service: &Value, now: Timestamp) -> Vec<Value> {
    let spec = &service["spec"];
    let cluster_ip = text_or(&spec["clusterIPs"][0], text_or(&spec["clusterIP"], NONE));
    vec![
        json!(name(service)),
        json!(text(&spec["type"])),
        json!(cluster_ip),
        json!(external_ip(service)),
        json!(ports(spec)),
        json!(age(service, now)),
        json!(labels(&spec["selector"])),
    ]
}

fn external_ip(service: &Value) -> String {
    let spec = &service["spec"];
    let given: Vec<&str> = items(&spec["externalIPs"]).iter().map(text).collect();
    match text(&spec["type"]) {
        "ClusterIP" | "NodePort" if given.is_empty() => NONE.to_owned(),
        "ClusterIP" | "NodePort" => given.join(","),
        "LoadBalancer" => {
            let ingress = items(&service["status"]["loadBalancer"]["ingress"]);
            let announced: BTreeSet<&str> = ingress
                .iter()
                .map(|ingress| text_or(&ingress["ip"], text(&ingress["hostname"])))
                .filter(|address| !address.is_empty())
                .collect();
            let all: Vec<&str> = announced.into_iter().chain(given).collect();
            if all.is_empty() {
                "<pending>".to_owned()
            } else {
                all.join(",")
            }
        }
        "ExternalName" => text(&spec["externalName"]).to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

fn ports(spec: &Value) -> String {
    let ports: Vec<String> = items(&spec["ports"])
        .iter()
        .map(|port| {
            let (own, protocol) = (number(&port["port"]), text(&port["protocol"]));
            match number(&port["nodePort"]) {
                0 => format!("{own}/{protocol}"),
                node_port => format!("{own}:{node_port}/{protocol}"),
            }
        })
        .collect();
    if ports.is_empty() {
        NONE.to_owned()
    } else {
        ports.join(",")
    }
}

fn print_ip_address(address: &Value, now: Timestamp) -> Vec<Value> {
    let parent = &address["spec"]["parentRef"];
    let parts: Vec<&str> = ["group", "resource", "namespace", "name"]
        .into_iter()
        .map(|part| text(&parent[part]))
        .filter(|part| !part.is_empty())
        .collect();
    let parent = if parts.is_empty() {
        NONE.to_owned()
    } else {
        parts.join("/")
    };
    vec![
        json!(name(address)),
        json!(parent),
        json!(age(address, now)),
    ]
}

fn print_service_cidr(cidr: &Value, now: Timestamp) -> Vec<Value> {
    let networks: Vec<&str> = items(&cidr["spec"]["cidrs"]).iter().map(text).collect();
    vec![
        json!(name(cidr)),
        json!(networks.join(",")),
        json!(age(cidr, now)),
    ]
}
