//! The server over real sockets, asked by `dig` and by hand-made packets.

mod cluster;
mod dig;
mod elsewhere;
mod forwarding;
mod plugins;
mod reloading;
mod sockets;
mod tcp;
