//! A mode with node ports on 127.0.0.1 that is switched away from and back again.

use tidegate_dataplane::{Dataplane, MemoryDataplane, Retired};
use tidegate_testnet::Cluster;
use tidegate_userspace::{UserspaceOptions, WithLoopbackNodePorts};

#[test]
fn a_mode_that_came_back_from_retirement_retires_again() {
    let inner = MemoryDataplane::default();
    let options = UserspaceOptions::default();
    let mode = WithLoopbackNodePorts::new(inner.clone(), &options);
    let mut mode = mode.expect("threads can be had");
    let mut cluster = Cluster::new();
    cluster.set(Cluster::service("web", 1));
    for _ in 0..3 {
        let reconciled = mode.reconcile(cluster.plan());
        reconciled.expect("it can be programmed");
        assert!(!inner.is_empty());
        assert_eq!(mode.retire().expect("it can retire"), Retired::Gone);
        assert!(inner.is_empty(), "the inner mode was left in the kernel");
        assert_eq!(mode.retire().expect("it can retire"), Retired::Gone);
    }
}
