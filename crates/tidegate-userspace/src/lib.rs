//! The userspace mode: the process accepts, dials and moves the bytes; the kernel only redirects.
//!
//! [`UserspaceMode`] has a listener for each service port (two where local and cluster-wide backends
//! are both in use). The tables `ip tidegate-userspace` and `ip6 tidegate-userspace` lead each
//! frontend's connections to its listener, by constant rules and maps, as [`render`] prints them.
//! A thread accepts, picks a backend, dials, goes on to the next one if that refuses or does not
//! answer in time, and then moves the bytes, through `splice(2)` where there are many.
//!
//! What this buys: a client never notices a backend that is dead but not yet known to be; round
//! robin is exact, and least connections and source hash are at hand; sockets show what happens. What
//! it costs: backends see the node's address instead of the client's, connections end with the
//! process, and each one takes two sockets and some CPU.
//!
//! # Choices
//!
//! * **A listener per service port**, not one for all: connections of a slow Service wait in a queue
//!   of their own, `ss -lt` shows it, and what a connection is for is known without asking the
//!   kernel where it was going.
//! * **Addresses of our own** (169.254.84.68/30 and fd74:6964:6567:6174::4/126, by a route of type
//!   `local` to the loopback link) that the listeners are bound to: the node's addresses come and go,
//!   its ports belong to its other processes, and an interface may have no address to redirect to.
//!   The tables drop what comes to them without having been led there.
//! * **Threads with an event queue each** instead of an asynchronous runtime: a short connection
//!   takes some fourteen system calls, and little else is to be saved. Events are edge-triggered, so
//!   none has to be switched on or off. The bytes of a short connection go through one buffer per
//!   thread; a pipe is taken when a sender fills that buffer.
//! * **Backends that failed are avoided for a second**, as long as there are others: a dead one costs
//!   one client in a second its 250 ms, instead of every n-th.
//!
//! [`WithLoopbackNodePorts`] lends the same engine to kernel modes for one thing: node ports on
//! 127.0.0.1.

mod address;
mod balance;
mod engine;
mod error;
mod forget;
mod gauges;
mod limits;
mod listeners;
mod loopback;
mod mode;
mod options;
mod ports;
mod redirect;
mod render;

pub use loopback::{LoopbackNodePorts, WithLoopbackNodePorts};
pub use mode::UserspaceMode;
pub use options::UserspaceOptions;
pub use render::render;
