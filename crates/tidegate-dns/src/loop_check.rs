//! Finds out at the start whether what is passed on comes back (CoreDNS's `loop`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_dns_wire::{Kind, LowerName, Query};
use tidegate_forward::Question;

use crate::block::Route;

/// How long a question may take to come back.
const PATIENCE: Duration = Duration::from_secs(10);

/// A question that nobody else asks.
#[derive(Debug)]
pub(crate) struct LoopCheck {
    name: LowerName,
    /// Whether it is on its way.
    is_open: AtomicBool,
    has_returned: AtomicBool,
}

impl LoopCheck {
    /// A question in a zone, under two random labels.
    pub(crate) fn new(zone: &LowerName) -> Arc<Self> {
        let mut name = LowerName::ROOT;
        let label = || rand::random::<u64>().to_string();
        // Two labels of at most twenty digits fit before any zone that leaves them room.
        let pushed = name
            .push(label().as_bytes())
            .and_then(|()| name.push(label().as_bytes()))
            .and_then(|()| name.append(zone.as_wire()));
        Arc::new(Self {
            name,
            is_open: AtomicBool::new(pushed.is_ok()),
            has_returned: AtomicBool::new(false),
        })
    }

    /// Whether this is our own question, come back to us.
    #[inline]
    pub(crate) fn recognises(&self, query: &Query<'_>) -> bool {
        let is_ours = query.kind == Kind::HINFO
            && self.is_open.load(Ordering::Relaxed)
            && query.name == self.name;
        if is_ours {
            self.has_returned.store(true, Ordering::Relaxed);
        }
        is_ours
    }

    /// Passes the question on, and says whether it came back.
    pub(crate) async fn run(&self, routes: &[Route]) -> bool {
        let question = Question {
            name: self.name.as_wire(),
            kind: Kind::HINFO.0,
            dnssec_ok: false,
            checking_disabled: false,
        };
        let asking = async {
            for route in routes.iter().filter(|route| route.takes(&self.name)) {
                // Whatever the others say: all that matters is whether the question comes back.
                let _ = route.resolver.resolve(question.to_owned(false)).await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, asking).await;
        self.is_open.store(false, Ordering::Relaxed);
        self.has_returned.load(Ordering::Relaxed)
    }
}
