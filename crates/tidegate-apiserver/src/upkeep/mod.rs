//! What the server sees to by itself: that the cluster's own objects are there, and that events
//! don't pile up.

mod bootstrap;
mod events;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

pub use self::bootstrap::BootstrapError;
pub(crate) use self::bootstrap::{bootstrap, first_address};
use self::events::remove_old_events;
use crate::{Config, api::Api};

/// How often upstream looks after its own Service as well.
const OWN_OBJECTS_PERIOD: Duration = Duration::from_secs(10);
const EVENTS_PERIOD: Duration = Duration::from_secs(300);

/// Works until the server stops.
pub(crate) async fn keep_up(api: Arc<Api>, config: Config) {
    let mut own_objects = interval(OWN_OBJECTS_PERIOD);
    let mut events = interval(EVENTS_PERIOD);
    for timer in [&mut own_objects, &mut events] {
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = api.shutdown.cancelled() => return,
            _ = own_objects.tick() => {
                if let Err(error) = bootstrap(&api, &config).await {
                    tracing::warn!(%error, "the cluster's own objects could not be checked");
                }
            }
            _ = events.tick() => {
                if let Err(error) = remove_old_events(&api.objects, Timestamp::now()).await {
                    tracing::warn!(%error, "old events could not be removed");
                }
            }
        }
    }
}
