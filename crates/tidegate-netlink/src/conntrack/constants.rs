//! Numbers of the conntrack protocol, from `linux/netfilter/nfnetlink_conntrack.h`.

/// `NFNL_SUBSYS_CTNETLINK`.
pub(super) const SUBSYSTEM: u16 = 1;
/// `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
pub(super) const GET: u16 = 1;
pub(super) const DELETE: u16 = 2;

/// `CTA_*`.
pub(super) const TUPLE_ORIGINAL: u16 = 1;
pub(super) const TUPLE_REPLY: u16 = 2;
pub(super) const STATUS: u16 = 3;
pub(super) const ID: u16 = 12;
pub(super) const ZONE: u16 = 18;

/// `CTA_TUPLE_*`.
pub(super) const TUPLE_IP: u16 = 1;
pub(super) const TUPLE_PROTOCOL: u16 = 2;
pub(super) const TUPLE_ZONE: u16 = 3;

/// `CTA_IP_*`.
pub(super) const V4_SOURCE: u16 = 1;
pub(super) const V4_DESTINATION: u16 = 2;
pub(super) const V6_SOURCE: u16 = 3;
pub(super) const V6_DESTINATION: u16 = 4;

/// `CTA_PROTO_*`.
pub(super) const PROTOCOL_NUMBER: u16 = 1;
pub(super) const SOURCE_PORT: u16 = 2;
pub(super) const DESTINATION_PORT: u16 = 3;

/// `IPS_SEEN_REPLY` and `IPS_DST_NAT`.
pub(super) const SEEN_REPLY: u32 = 1 << 1;
pub(super) const TRANSLATED_DESTINATION: u32 = 1 << 5;
