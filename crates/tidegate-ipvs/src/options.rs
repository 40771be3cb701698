//! What an operator can choose about this mode (the section `ipvs` of kube-proxy's configuration).

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

/// The operator's choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpvsOptions {
    /// The scheduler of Services that don't ask for one; one of [`crate::SCHEDULERS`].
    pub scheduler: String,
    /// Virtual servers and addresses in these ranges are other people's, whatever they look like:
    /// they are never made, changed or deleted, and Services on them are left to those people.
    pub exclude_cidrs: Vec<IpNet>,
    /// Answer ARP only for addresses of the interface that is asked (`arp_ignore=1`,
    /// `arp_announce=2`), so that this node doesn't claim load-balancer addresses on the wire.
    pub strict_arp: bool,
    /// How long an idle TCP connection is remembered; `None` leaves the kernel's 15 minutes.
    pub tcp_timeout: Option<Duration>,
    /// The same for a TCP connection of which one side has sent its end (two minutes).
    pub tcp_fin_timeout: Option<Duration>,
    /// The same for UDP (five minutes).
    pub udp_timeout: Option<Duration>,
    /// The bit of the packet mark that says "masquerade" from one rule to another, 0 to 31.
    pub masquerade_bit: u8,
    /// Let packets pass that conntrack finds invalid, which a translated connection's late packets
    /// can be (`conntrack.tcpBeLiberal`).
    pub tcp_be_liberal: bool,
}

impl IpvsOptions {
    /// Whether an address is left to others.
    pub(crate) fn excludes(&self, address: IpAddr) -> bool {
        self.exclude_cidrs
            .iter()
            .any(|range| range.contains(&address))
    }
}

impl Default for IpvsOptions {
    /// Upstream's defaults.
    fn default() -> Self {
        Self {
            scheduler: "rr".to_owned(),
            exclude_cidrs: Vec::new(),
            strict_arp: false,
            tcp_timeout: None,
            tcp_fin_timeout: None,
            udp_timeout: None,
            masquerade_bit: 14,
            tcp_be_liberal: false,
        }
    }
}
