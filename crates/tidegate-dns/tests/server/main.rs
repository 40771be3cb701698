//! The server over real sockets, asked by `dig` and by hand-made packets.

mod cluster;
mod dig;
mod dnssec;
mod elsewhere;
mod forwarding;
mod plugins;
mod reloading;
mod signatures;
mod sockets;
mod tcp;
mod transfers;
