//! Who may use a load balancer's address, where the machine itself asks.

use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::clients::with_kube;
use crate::machine::Machine;
use crate::services::HOSTNAMES;
use crate::wait::until;

const BALANCER: &str = "203.0.113.5";

/// Has the load balancer's address admit one range only.
fn admit(machine: &Machine, range: &str) {
    with_kube(machine, async |client| {
        let services: Api<Service> = Api::namespaced(client, "default");
        let spec = Patch::Merge(
            json!({"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": [range]}}),
        );
        let status =
            Patch::Merge(json!({"status": {"loadBalancer": {"ingress": [{"ip": BALANCER}]}}}));
        let params = PatchParams::default();
        let patched = services.patch("hostnames", &params, &spec);
        patched.await.expect("patches");
        let patched = services.patch_status("hostnames", &params, &status);
        patched.await.expect("patches");
    });
    let address = range.split('/').next().unwrap_or_default();
    until(&format!("the rules know {range}"), || {
        let rules = machine.sh("nft list set ip tidegate admitted");
        match rules.contains(BALANCER) && rules.contains(address) {
            true => Ok(()),
            false => Err(rules),
        }
    });
}

#[test]
fn line_25_a_range_with_an_address_of_this_node_admits_whatever_it_calls_from() {
    let machine = Machine::new();
    let _up = machine.up(&["--proxy-mode", "nftables"]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    let url = format!("http://{BALANCER}/");
    admit(&machine, "198.51.100.0/24");
    machine.call(&url).expect_err("nobody here is admitted");
    let own = machine.field("nodes", "machine", "/status/addresses/0/address");
    let own = own.expect("the Node has an address");
    let own = own.as_str().expect("is text");
    // The machine calls from the one, and its pods hang on the other.
    for address in [own, "10.244.0.1"] {
        admit(&machine, &format!("{address}/32"));
        let answer = machine.call(&url);
        assert!(answer.is_ok(), "{address}: {answer:?}");
    }
}
