//! The kernel's switch for packets of loopback addresses.

use std::fs;
use std::io;

/// With it, packets to and from 127.0.0.0/8 may leave and enter through other interfaces.
const ROUTE_LOCALNET: &str = "/proc/sys/net/ipv4/conf/all/route_localnet";

/// Turns it on in the calling thread's network namespace; says whether it was off.
///
/// # Errors
/// It can't be read or written.
pub(crate) fn route_loopback() -> io::Result<bool> {
    if fs::read_to_string(ROUTE_LOCALNET)?.trim() == "1" {
        return Ok(false);
    }
    fs::write(ROUTE_LOCALNET, "1")?;
    Ok(true)
}

/// Turns it off again. Whoever else may want it has to do without: nothing guards it any more.
///
/// # Errors
/// It can't be written.
pub(crate) fn do_not_route_loopback() -> io::Result<()> {
    fs::write(ROUTE_LOCALNET, "0")
}
