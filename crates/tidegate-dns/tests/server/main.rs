//! The server over real sockets, asked by `dig` and by hand-made packets.

mod cluster;
mod dig;
mod forwarding;
mod sockets;
mod tcp;
