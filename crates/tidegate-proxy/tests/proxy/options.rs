//! Other options of the same mode on a live node.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tidegate_dataplane::{Dataplane, DataplaneError, MemoryDataplane};
use tidegate_proxy::{ModeFactory, OpenedMode, Proxy, ProxyConfig};
use tidegate_watch::ClusterWatch;

use crate::fixture::{eventually, run};

/// A mode with a number as its option. One below ten can become another one below ten.
#[derive(Clone, Default)]
struct Numbered {
    kernel: MemoryDataplane,
    opened: Arc<AtomicUsize>,
}

impl ModeFactory for Numbered {
    type Choice = u8;

    fn open(&self, number: &u8) -> Result<OpenedMode, DataplaneError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(OpenedMode {
            dataplane: Box::new(self.kernel.clone()),
            reason: format!("number {number} was asked for"),
        })
    }

    fn adjust(&self, serving: &mut dyn Dataplane, before: &u8, after: &u8) -> bool {
        assert!(!serving.take_options(&() as &dyn Any), "it has no options");
        before.max(after) < &10
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mode_that_can_take_other_options_is_not_opened_anew() {
    let modes = Numbered::default();
    let (watch, feed) = ClusterWatch::detached();
    let config = ProxyConfig {
        audit_period: Duration::from_secs(3600),
        ..ProxyConfig::default()
    };
    let proxy = Proxy::open(config.clone(), 1, modes.clone(), watch.subscribe());
    let running = run(watch, feed, proxy.expect("the mode opens"));
    let mut running = running.serving_web().await;
    let opened = || modes.opened.load(Ordering::Relaxed);
    let (reconciles, _) = modes.kernel.calls();
    for (number, (choice, openings)) in [(2, 1), (3, 1), (10, 2)].into_iter().enumerate() {
        running.handle.reconfigure(config.clone(), choice);
        let done = number as u64 + 1;
        let status = running.until(|status| status.reconfigurations == done);
        assert_eq!(status.await.rejected, None);
        assert_eq!(opened(), openings, "after the option {choice}");
        // The program follows the options without waiting for an audit.
        eventually("the program is looked after", || {
            modes.kernel.calls().0 > reconciles + number
        })
        .await;
    }
    assert_eq!(modes.kernel.len(), 1);
    running.stop().await;
}
