//! The IPVS mode: virtual servers over generic netlink.
