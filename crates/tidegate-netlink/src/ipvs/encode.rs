//! Requests in the words of the kernel.

use std::net::{IpAddr, SocketAddr};

use super::constants::{
    DESTINATION, HASH_FALLBACK, HASH_PORT, ONE_PACKET, PERSISTENT, SERVICE, TIMEOUT_TCP,
    TIMEOUT_TCP_FIN, TIMEOUT_UDP, command, destination, service,
};
use super::{Change, Forwarding, RealServer, Timeouts, VirtualAddress, VirtualServer, netmask};
use crate::attribute::Encoder;
use crate::generic::Subsystem;
use crate::{Family, Protocol};

/// Appends a change and gives the place where it starts.
pub(super) fn change(
    subsystem: Subsystem,
    change: &Change,
    out: &mut Encoder,
    sequence: u32,
) -> usize {
    let (command, address) = match change {
        Change::AddVirtual(server) => (command::NEW_SERVICE, &server.address),
        Change::SetVirtual(server) => (command::SET_SERVICE, &server.address),
        Change::DeleteVirtual(address) => (command::DELETE_SERVICE, address),
        Change::AddReal(address, _) => (command::NEW_DESTINATION, address),
        Change::SetReal(address, _) => (command::SET_DESTINATION, address),
        Change::DeleteReal(address, _) => (command::DELETE_DESTINATION, address),
    };
    subsystem.message(out, sequence, command, 0, |out| match change {
        Change::AddVirtual(server) | Change::SetVirtual(server) => virtual_server(server, out),
        Change::DeleteVirtual(_) => virtual_address(address, out),
        Change::AddReal(_, server) | Change::SetReal(_, server) => {
            virtual_address(address, out);
            out.nested(DESTINATION, |out| real_server(server, out));
        }
        Change::DeleteReal(_, server) => {
            virtual_address(address, out);
            out.nested(DESTINATION, |out| real_address(*server, out));
        }
    })
}

/// Names a virtual server.
pub(super) fn virtual_address(address: &VirtualAddress, out: &mut Encoder) {
    out.nested(SERVICE, |out| identity(address, out));
}

/// Appends the request to set time-outs and gives the place where it starts.
pub(super) fn timeouts(
    subsystem: Subsystem,
    timeouts: Timeouts,
    out: &mut Encoder,
    sequence: u32,
) -> usize {
    subsystem.message(out, sequence, command::SET_CONFIG, 0, |out| {
        out.ne32(TIMEOUT_TCP, timeouts.tcp);
        out.ne32(TIMEOUT_TCP_FIN, timeouts.tcp_fin);
        out.ne32(TIMEOUT_UDP, timeouts.udp);
    })
}

fn virtual_server(server: &VirtualServer, out: &mut Encoder) {
    let family = server.address.family();
    let prefix = server.persistence.map_or(family.bits(), |it| it.prefix);
    out.nested(SERVICE, |out| {
        identity(&server.address, out);
        out.string(service::SCHEDULER, &server.scheduler);
        out.bytes(service::FLAGS, &flags(server));
        let timeout = server.persistence.map_or(0, |it| it.timeout);
        out.ne32(service::TIMEOUT, timeout);
        match family {
            Family::V4 => out.be32(service::NETMASK, netmask(prefix)),
            Family::V6 => out.ne32(service::NETMASK, prefix.into()),
        }
    });
}

/// What tells a virtual server from others.
fn identity(address: &VirtualAddress, out: &mut Encoder) {
    out.ne16(service::FAMILY, address.family().number().into());
    match address {
        VirtualAddress::Port {
            protocol: Protocol(protocol),
            address,
        } => {
            out.ne16(service::PROTOCOL, (*protocol).into());
            out.bytes(service::ADDRESS, &padded(address.ip()));
            out.be16(service::PORT, address.port());
        }
        VirtualAddress::Mark { mark, .. } => out.ne32(service::MARK, *mark),
    }
}

/// The flags that are set and, behind them, those that are meant (`struct ip_vs_flags`).
fn flags(server: &VirtualServer) -> [u8; 8] {
    let all = [
        (server.persistence.is_some(), PERSISTENT),
        (server.one_packet, ONE_PACKET),
        (server.hashing.fallback, HASH_FALLBACK),
        (server.hashing.port, HASH_PORT),
    ];
    let set = all.iter().filter(|(set, _)| *set);
    let set = set.fold(0, |flags, (_, flag)| flags | flag);
    let meant = all.iter().fold(0, |flags, (_, flag)| flags | flag);
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&set.to_ne_bytes());
    bytes[4..].copy_from_slice(&u32::to_ne_bytes(meant));
    bytes
}

fn real_server(server: &RealServer, out: &mut Encoder) {
    real_address(server.address, out);
    let forwarding = match server.forwarding {
        Forwarding::Masquerade => 0,
        Forwarding::Local => 1,
        Forwarding::Tunnel => 2,
        Forwarding::Route => 3,
    };
    out.ne32(destination::FORWARDING, forwarding);
    out.ne32(destination::WEIGHT, server.weight);
    out.ne32(destination::UPPER_THRESHOLD, server.upper_threshold);
    out.ne32(destination::LOWER_THRESHOLD, server.lower_threshold);
}

/// What tells a real server from the others of its virtual server.
fn real_address(address: SocketAddr, out: &mut Encoder) {
    let family = Family::of(address.ip()).number();
    out.ne16(destination::FAMILY, family.into());
    out.bytes(destination::ADDRESS, &padded(address.ip()));
    out.be16(destination::PORT, address.port());
}

/// An address in a field with room for both families (`union nf_inet_addr`).
fn padded(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => {
            let mut field = [0; 16];
            field[..4].copy_from_slice(&address.octets());
            field
        }
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Hashing, Persistence};
    use super::*;
    use crate::golden::assert_bytes;

    const IPVS: Subsystem = Subsystem::numbered(0x24, 1);

    fn encoded(it: &Change) -> Vec<u8> {
        let mut out = Encoder::default();
        change(IPVS, it, &mut out, 7);
        out.buffer
    }

    fn frontend() -> VirtualAddress {
        VirtualAddress::Port {
            protocol: Protocol::TCP,
            address: ([10, 96, 0, 1], 80).into(),
        }
    }

    const ADDRESS_OF_FRONTEND: &str = "
        06 00 01 00  02 00 00 00  # IPVS_SVC_ATTR_AF: AF_INET
        06 00 02 00  06 00 00 00  # IPVS_SVC_ATTR_PROTOCOL: TCP
        14 00 03 00  # IPVS_SVC_ATTR_ADDR, 20 bytes
        0a 60 00 01  00 00 00 00  00 00 00 00  00 00 00 00
        06 00 04 00  00 50 00 00  # IPVS_SVC_ATTR_PORT: 80";

    #[test]
    fn a_virtual_server_is_added_as_ipvsadm_does() {
        let added = Change::AddVirtual(VirtualServer::new(frontend(), "rr"));
        assert_bytes(
            &encoded(&added),
            &format!(
                "68 00 00 00  24 00 01 00  07 00 00 00  00 00 00 00  # 104 bytes to IPVS, a request
                 01 01 00 00  # IPVS_CMD_NEW_SERVICE, version 1
                 54 00 01 80  # IPVS_CMD_ATTR_SERVICE, nested
                 {ADDRESS_OF_FRONTEND}
                 07 00 06 00  72 72 00 00  # IPVS_SVC_ATTR_SCHED_NAME: rr
                 0c 00 07 00  00 00 00 00  1d 00 00 00  # IPVS_SVC_ATTR_FLAGS: none; those meant
                 08 00 08 00  00 00 00 00  # IPVS_SVC_ATTR_TIMEOUT
                 08 00 09 00  ff ff ff ff  # IPVS_SVC_ATTR_NETMASK"
            ),
        );
    }

    #[test]
    fn every_particularity_of_a_virtual_server_is_said() {
        let set = Change::SetVirtual(VirtualServer {
            persistence: Some(Persistence {
                timeout: 10_800,
                prefix: 64,
            }),
            one_packet: true,
            hashing: Hashing {
                fallback: true,
                port: true,
            },
            ..VirtualServer::new(
                VirtualAddress::Mark {
                    mark: 0x4007,
                    family: Family::V6,
                },
                "mh",
            )
        });
        assert_bytes(
            &encoded(&set),
            "4c 00 00 00  24 00 01 00  07 00 00 00  00 00 00 00
             02 01 00 00  # IPVS_CMD_SET_SERVICE
             38 00 01 80  # IPVS_CMD_ATTR_SERVICE, nested
             06 00 01 00  0a 00 00 00  # IPVS_SVC_ATTR_AF: AF_INET6
             08 00 05 00  07 40 00 00  # IPVS_SVC_ATTR_FWMARK
             07 00 06 00  6d 68 00 00  # IPVS_SVC_ATTR_SCHED_NAME: mh
             0c 00 07 00  1d 00 00 00  1d 00 00 00  # IPVS_SVC_ATTR_FLAGS
             08 00 08 00  30 2a 00 00  # IPVS_SVC_ATTR_TIMEOUT: 10800
             08 00 09 00  40 00 00 00  # IPVS_SVC_ATTR_NETMASK: a prefix length",
        );
    }

    #[test]
    fn a_netmask_of_ipv4_is_written_as_one() {
        let mut server = VirtualServer::new(frontend(), "rr");
        let timeout = 20;
        server.persistence = Some(Persistence {
            timeout,
            prefix: 24,
        });
        let bytes = encoded(&Change::AddVirtual(server));
        assert_bytes(
            &bytes[bytes.len() - 8..],
            "08 00 09 00  ff ff ff 00  # IPVS_SVC_ATTR_NETMASK",
        );
    }

    #[test]
    fn a_real_server_is_added_as_ipvsadm_does() {
        let server = RealServer::masqueraded(([10, 244, 0, 5], 9376).into(), 1);
        let server = RealServer {
            upper_threshold: 9,
            lower_threshold: 8,
            ..server
        };
        assert_bytes(
            &encoded(&Change::AddReal(frontend(), server)),
            &format!(
                "8c 00 00 00  24 00 01 00  07 00 00 00  00 00 00 00
                 05 01 00 00  # IPVS_CMD_NEW_DEST
                 30 00 01 80  # IPVS_CMD_ATTR_SERVICE, nested
                 {ADDRESS_OF_FRONTEND}
                 48 00 02 80  # IPVS_CMD_ATTR_DEST, nested
                 06 00 0b 00  02 00 00 00  # IPVS_DEST_ATTR_ADDR_FAMILY: AF_INET
                 14 00 01 00  # IPVS_DEST_ATTR_ADDR, 20 bytes
                 0a f4 00 05  00 00 00 00  00 00 00 00  00 00 00 00
                 06 00 02 00  24 a0 00 00  # IPVS_DEST_ATTR_PORT: 9376
                 08 00 03 00  00 00 00 00  # IPVS_DEST_ATTR_FWD_METHOD: masquerade
                 08 00 04 00  01 00 00 00  # IPVS_DEST_ATTR_WEIGHT
                 08 00 05 00  09 00 00 00  # IPVS_DEST_ATTR_U_THRESH
                 08 00 06 00  08 00 00 00  # IPVS_DEST_ATTR_L_THRESH"
            ),
        );
    }

    #[test]
    fn what_is_deleted_is_only_named() {
        let real = Change::DeleteReal(frontend(), ([10, 244, 0, 5], 9376).into());
        assert_bytes(
            &encoded(&real),
            &format!(
                "6c 00 00 00  24 00 01 00  07 00 00 00  00 00 00 00
                 07 01 00 00  # IPVS_CMD_DEL_DEST
                 30 00 01 80  # IPVS_CMD_ATTR_SERVICE, nested
                 {ADDRESS_OF_FRONTEND}
                 28 00 02 80  # IPVS_CMD_ATTR_DEST, nested
                 06 00 0b 00  02 00 00 00  # IPVS_DEST_ATTR_ADDR_FAMILY: AF_INET
                 14 00 01 00  # IPVS_DEST_ATTR_ADDR, 20 bytes
                 0a f4 00 05  00 00 00 00  00 00 00 00  00 00 00 00
                 06 00 02 00  24 a0 00 00  # IPVS_DEST_ATTR_PORT: 9376"
            ),
        );
        assert_bytes(
            &encoded(&Change::DeleteVirtual(frontend())),
            &format!(
                "44 00 00 00  24 00 01 00  07 00 00 00  00 00 00 00
                 03 01 00 00  # IPVS_CMD_DEL_SERVICE
                 30 00 01 80  # IPVS_CMD_ATTR_SERVICE, nested
                 {ADDRESS_OF_FRONTEND}"
            ),
        );
    }
}
