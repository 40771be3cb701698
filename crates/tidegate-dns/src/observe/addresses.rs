//! Where the pages are that a configuration asks for.

use tidegate_dns_config::{DnsConfig, ListenAddress, ReadyMonitor};

use super::Purpose;

/// Each page once, although several server blocks may ask for it.
pub(crate) fn page_addresses(config: &DnsConfig) -> Vec<(Purpose, ListenAddress)> {
    let mut wanted = Vec::new();
    for block in &config.servers {
        let health = block
            .health
            .as_ref()
            .map(|health| (Purpose::Health, health.address));
        let ready = block.ready.as_ref().map(|ready| {
            let continuously = ready.monitor == ReadyMonitor::Continuously;
            (Purpose::Ready { continuously }, ready.address)
        });
        let metrics = block
            .prometheus
            .as_ref()
            .map(|it| (Purpose::Metrics, it.address));
        for one in [health, ready, metrics].into_iter().flatten() {
            if !wanted.contains(&one) {
                wanted.push(one);
            }
        }
    }
    wanted
}
