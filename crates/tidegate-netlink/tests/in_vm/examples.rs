//! Virtual servers to try everything with.

use tidegate_netlink::ipvs::{
    Change, Forwarding, Hashing, Ipvs, Persistence, RealServer, VirtualAddress, VirtualServer,
};
use tidegate_netlink::{Family, Protocol};

use crate::{at, change, port};

/// Virtual servers with every particularity, and their real servers.
pub(crate) fn examples() -> Vec<(VirtualServer, Vec<RealServer>)> {
    let persistence = |timeout, prefix| Some(Persistence { timeout, prefix });
    let mark = |mark, family| VirtualAddress::Mark { mark, family };
    let pod = |address, weight| RealServer::masqueraded(at(address), weight);
    vec![
        (
            VirtualServer::new(port(Protocol::TCP, "10.96.0.1:80"), "rr"),
            vec![pod("10.244.0.5:9376", 1), pod("10.244.0.6:9376", 0)],
        ),
        (
            VirtualServer {
                one_packet: true,
                ..VirtualServer::new(port(Protocol::UDP, "10.96.0.10:53"), "wrr")
            },
            vec![pod("10.244.0.5:5353", 65_535)],
        ),
        (
            VirtualServer {
                persistence: persistence(10_800, 128),
                hashing: Hashing {
                    fallback: true,
                    port: true,
                },
                ..VirtualServer::new(port(Protocol::TCP, "[fd00:96::1]:80"), "mh")
            },
            vec![pod("[fd00::5]:9376", 1)],
        ),
        (
            VirtualServer {
                persistence: persistence(20, 24),
                ..VirtualServer::new(port(Protocol::SCTP, "10.96.0.1:7"), "lc")
            },
            vec![],
        ),
        (
            VirtualServer {
                hashing: Hashing {
                    fallback: false,
                    port: true,
                },
                ..VirtualServer::new(port(Protocol::UDP, "10.96.0.1:80"), "sh")
            },
            vec![],
        ),
        (
            VirtualServer {
                persistence: persistence(33, 64),
                ..VirtualServer::new(mark(0x7400_0001, Family::V6), "wlc")
            },
            vec![pod("[fd00::5]:9376", 1)],
        ),
        (
            VirtualServer {
                hashing: Hashing {
                    fallback: true,
                    port: true,
                },
                ..VirtualServer::new(mark(9, Family::V4), "sed")
            },
            vec![
                RealServer {
                    forwarding: Forwarding::Route,
                    ..pod("10.0.0.4:0", 7)
                },
                pod("10.0.0.5:8080", 1),
            ],
        ),
    ]
}

pub(crate) fn load(ipvs: &mut Ipvs) {
    let changes: Vec<_> = examples()
        .into_iter()
        .flat_map(|(server, real_servers)| {
            let address = server.address;
            let real = real_servers
                .into_iter()
                .map(move |real| Change::AddReal(address, real));
            std::iter::once(Change::AddVirtual(server)).chain(real)
        })
        .collect();
    change(ipvs, &changes);
}
