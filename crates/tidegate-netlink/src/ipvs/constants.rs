//! Numbers of the IPVS protocol, from `linux/ip_vs.h`.

/// `IPVS_GENL_NAME` and `IPVS_GENL_VERSION`.
pub(super) const NAME: &str = "IPVS";
pub(super) const VERSION: u8 = 1;

/// `IPVS_CMD_*`.
pub(super) mod command {
    pub(in super::super) const NEW_SERVICE: u8 = 1;
    pub(in super::super) const SET_SERVICE: u8 = 2;
    pub(in super::super) const DELETE_SERVICE: u8 = 3;
    pub(in super::super) const GET_SERVICE: u8 = 4;
    pub(in super::super) const NEW_DESTINATION: u8 = 5;
    pub(in super::super) const SET_DESTINATION: u8 = 6;
    pub(in super::super) const DELETE_DESTINATION: u8 = 7;
    pub(in super::super) const GET_DESTINATION: u8 = 8;
    pub(in super::super) const SET_CONFIG: u8 = 12;
    pub(in super::super) const GET_CONFIG: u8 = 13;
    pub(in super::super) const GET_INFO: u8 = 15;
}

/// `IPVS_CMD_ATTR_*`.
pub(super) const SERVICE: u16 = 1;
pub(super) const DESTINATION: u16 = 2;
pub(super) const TIMEOUT_TCP: u16 = 4;
pub(super) const TIMEOUT_TCP_FIN: u16 = 5;
pub(super) const TIMEOUT_UDP: u16 = 6;

/// `IPVS_SVC_ATTR_*`.
pub(super) mod service {
    pub(in super::super) const FAMILY: u16 = 1;
    pub(in super::super) const PROTOCOL: u16 = 2;
    pub(in super::super) const ADDRESS: u16 = 3;
    pub(in super::super) const PORT: u16 = 4;
    pub(in super::super) const MARK: u16 = 5;
    pub(in super::super) const SCHEDULER: u16 = 6;
    pub(in super::super) const FLAGS: u16 = 7;
    pub(in super::super) const TIMEOUT: u16 = 8;
    pub(in super::super) const NETMASK: u16 = 9;
}

/// `IP_VS_SVC_F_*`.
pub(super) const PERSISTENT: u32 = 0x01;
pub(super) const ONE_PACKET: u32 = 0x04;
pub(super) const HASH_FALLBACK: u32 = 0x08;
pub(super) const HASH_PORT: u32 = 0x10;

/// `IPVS_DEST_ATTR_*`.
pub(super) mod destination {
    pub(in super::super) const ADDRESS: u16 = 1;
    pub(in super::super) const PORT: u16 = 2;
    pub(in super::super) const FORWARDING: u16 = 3;
    pub(in super::super) const WEIGHT: u16 = 4;
    pub(in super::super) const UPPER_THRESHOLD: u16 = 5;
    pub(in super::super) const LOWER_THRESHOLD: u16 = 6;
    pub(in super::super) const ACTIVE: u16 = 7;
    pub(in super::super) const INACTIVE: u16 = 8;
    pub(in super::super) const PERSISTENT: u16 = 9;
    pub(in super::super) const FAMILY: u16 = 11;
}

/// `IP_VS_CONN_F_FWD_MASK`.
pub(super) const FORWARDING_MASK: u32 = 7;

/// `IPVS_INFO_ATTR_*`.
pub(super) const INFO_VERSION: u16 = 1;
pub(super) const INFO_TABLE_SIZE: u16 = 2;
