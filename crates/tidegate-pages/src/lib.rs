//! Pages about a program at work: what is counted for them, Prometheus' text, and HTTP servers that
//! can't be overrun.
//!
//! The proxy and the DNS server have such pages. Nothing here knows what is on them.

mod bounded;
mod counter;
mod histogram;
mod listen;
mod page;
mod process;
mod serve;

pub use bounded::{CONNECTIONS, Slots, serve};
pub use counter::Counter;
pub use histogram::{Histogram, Tally};
pub use listen::{listen, listen_everywhere};
pub use page::{Kind, Labels, METRICS_TYPE, Page};
pub use process::Process;
pub use serve::{BIND_AGAIN_AFTER, keep_serving};
