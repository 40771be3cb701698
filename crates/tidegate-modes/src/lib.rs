//! Every proxy mode by its name: opening one, choosing the best, rendering, removing all.
//!
//! This is the one place that knows all modes; whoever works with a mode knows it as a
//! [`Dataplane`](tidegate_dataplane::Dataplane) only.

mod best;
mod mode;
mod open;
mod render;

pub use best::{Best, NoneWorks, best, best_of};
pub use mode::{Mode, UnknownMode};
pub use open::{ModeOptions, adjust, open, open_others};
pub use render::render;
pub use tidegate_iptables::{IptablesOptions, Variant};
pub use tidegate_ipvs::IpvsOptions;
pub use tidegate_userspace::UserspaceOptions;
