//! What an operator can choose.

use std::time::Duration;

/// An operator's choices about this mode (upstream's `iptables` section and flags).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IptablesOptions {
    /// Which bit of the packet mark says that a packet is to be masqueraded, from 0 to 31.
    pub masquerade_bit: u8,
    /// Whether node ports answer on 127.0.0.1 too (upstream's `localhostNodePorts`). This makes the
    /// kernel route packets of loopback addresses (`route_localnet`) and guards against those that
    /// come in from outside. There is no such thing in IPv6.
    pub localhost_node_ports: bool,
    /// Whether packets that connection tracking finds invalid are let through, as is right where
    /// `nf_conntrack_tcp_be_liberal` is set.
    pub tcp_be_liberal: bool,
    /// Which of the two iptables of the host is used.
    pub variant: Variant,
    /// How long `iptables-restore` waits for another process that changes rules, in whole seconds.
    pub lock_wait: Duration,
}

/// One of the two programs that are called `iptables`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// The one in which there are Kubernetes chains already; without such, what the host calls
    /// `iptables`.
    #[default]
    Auto,
    /// `iptables-legacy`, which replaces whole tables of the kernel's `ip_tables`.
    Legacy,
    /// `iptables-nft`, which changes tables of the kernel's `nf_tables`.
    Nft,
}

impl IptablesOptions {
    /// The mark of packets that are to be masqueraded.
    pub(crate) fn masquerade_mark(&self) -> u32 {
        1 << self.masquerade_bit.min(31)
    }
}

impl Default for IptablesOptions {
    /// Upstream's defaults.
    fn default() -> Self {
        Self {
            masquerade_bit: 14,
            localhost_node_ports: true,
            tcp_be_liberal: false,
            variant: Variant::Auto,
            lock_wait: Duration::from_secs(5),
        }
    }
}
