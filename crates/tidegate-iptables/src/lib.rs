//! The iptables mode: the chains that operators know, through `iptables-restore`.
