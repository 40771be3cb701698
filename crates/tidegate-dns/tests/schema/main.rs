//! The tables of the record schema, each asked of the zone in this process and of a server over UDP
//! and TCP.

mod scene;
mod tables;
mod transfers;
mod zone;
