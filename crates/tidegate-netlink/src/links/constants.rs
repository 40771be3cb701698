//! Numbers of the routing protocol, from `linux/rtnetlink.h`, `linux/if_link.h` and
//! `linux/if_addr.h`.

/// `RTM_*`.
pub(super) const NEW_LINK: u16 = 16;
pub(super) const DELETE_LINK: u16 = 17;
pub(super) const GET_LINK: u16 = 18;
pub(super) const NEW_ADDRESS: u16 = 20;
pub(super) const DELETE_ADDRESS: u16 = 21;
pub(super) const GET_ADDRESS: u16 = 22;
pub(super) const NEW_ROUTE: u16 = 24;
pub(super) const GET_ROUTE: u16 = 26;

/// The lengths of `struct ifinfomsg`, `struct ifaddrmsg` and `struct rtmsg`.
pub(super) const LINK_HEADER: usize = 16;
pub(super) const ADDRESS_HEADER: usize = 8;
pub(super) const ROUTE_HEADER: usize = 12;

/// `IFLA_*`.
pub(super) const NAME: u16 = 3;
pub(super) const LINK_INFO: u16 = 18;
/// `IFLA_INFO_KIND`.
pub(super) const KIND: u16 = 1;

/// `IFF_UP`.
pub(super) const UP: u32 = 1;

/// `IFA_*`.
pub(super) const ADDRESS: u16 = 1;
pub(super) const LOCAL: u16 = 2;

/// `RTA_DST`.
pub(super) const DESTINATION: u16 = 1;
/// `RTN_LOCAL`.
pub(super) const TO_THIS_MACHINE: u8 = 2;

/// `IFA_F_NODAD`.
pub(super) const WITHOUT_ASKING: u8 = 2;
