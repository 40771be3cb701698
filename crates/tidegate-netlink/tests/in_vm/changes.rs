//! Changes of virtual and real servers.

use std::net::IpAddr;

use nix::errno::Errno;
use tidegate_netlink::Protocol;
use tidegate_netlink::ipvs::{
    Change, Persistence, RealServer, RealServerFound, VirtualAddress, VirtualServer,
};

use crate::support::run;
use crate::{at, change, open, port};

#[test]
#[ignore = "runs in the virtual machine"]
fn limits_of_a_real_server_are_kept() {
    let mut ipvs = open();
    let address = port(Protocol::TCP, "10.96.0.1:80");
    let server = RealServer {
        upper_threshold: 500,
        lower_threshold: 300,
        ..RealServer::masqueraded(at("10.244.0.5:80"), 1)
    };
    change(
        &mut ipvs,
        &[
            Change::AddVirtual(VirtualServer::new(address, "rr")),
            Change::AddReal(address, server),
        ],
    );
    let found = ipvs.real_servers(&address).expect("readable");
    let wanted = RealServerFound {
        server,
        active_connections: 0,
        inactive_connections: 0,
        persistent_connections: 0,
    };
    assert_eq!(found, [wanted]);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn servers_are_changed_and_deleted() {
    let mut ipvs = open();
    let address = port(Protocol::TCP, "10.96.0.1:80");
    let pod = at("10.244.0.5:9376");
    change(
        &mut ipvs,
        &[
            Change::AddVirtual(VirtualServer::new(address, "rr")),
            Change::AddReal(address, RealServer::masqueraded(pod, 1)),
            Change::SetReal(address, RealServer::masqueraded(pod, 0)),
            Change::SetVirtual(VirtualServer {
                persistence: Some(Persistence {
                    timeout: 60,
                    prefix: 32,
                }),
                ..VirtualServer::new(address, "lc")
            }),
        ],
    );
    let listed = run("ipvsadm -S -n");
    assert_eq!(
        listed.lines().map(str::trim_end).collect::<Vec<_>>(),
        [
            "-A -t 10.96.0.1:80 -s lc -p 60",
            "-a -t 10.96.0.1:80 -r 10.244.0.5:9376 -m -w 0"
        ]
    );
    let without = Change::SetVirtual(VirtualServer::new(address, "rr"));
    change(&mut ipvs, &[without, Change::DeleteReal(address, pod)]);
    assert_eq!(
        run("ipvsadm -S -n").trim_end(),
        "-A -t 10.96.0.1:80 -s rr",
        "no longer persistent, and without its real server"
    );
    change(&mut ipvs, &[Change::DeleteVirtual(address)]);
    assert_eq!(ipvs.virtual_servers().expect("readable"), []);
    assert_eq!(ipvs.real_servers(&address).expect("readable"), []);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn each_refused_change_is_named_and_the_others_are_done() {
    let mut ipvs = open();
    let virtual_server =
        |n: u16| VirtualServer::new(port(Protocol::TCP, &format!("10.96.0.1:{n}")), "rr");
    let mut changes: Vec<_> = (1..=600)
        .map(|n| Change::AddVirtual(virtual_server(n)))
        .collect();
    let nowhere = port(Protocol::TCP, "10.96.9.9:1");
    let real = RealServer::masqueraded(at("10.244.0.5:80"), 1);
    changes[1] = changes[0].clone();
    changes[255] = Change::AddVirtual(VirtualServer {
        scheduler: "strange".to_owned(),
        ..virtual_server(256)
    });
    changes[256] = Change::DeleteVirtual(nowhere);
    changes[300] = Change::AddReal(nowhere, real);
    changes[301] = Change::SetReal(virtual_server(1).address, real);
    changes[599] = Change::DeleteReal(virtual_server(1).address, real.address);
    let refused = ipvs.change(&changes).expect("sent");
    let refused: Vec<_> = refused
        .iter()
        .map(|refusal| (refusal.index, refusal.reason.errno))
        .collect();
    assert_eq!(
        refused,
        [
            (1, Errno::EEXIST),
            (255, Errno::ENOENT),
            (256, Errno::ESRCH),
            (300, Errno::ESRCH),
            (301, Errno::ENOENT),
            (599, Errno::ENOENT),
        ]
    );
    assert_eq!(ipvs.virtual_servers().expect("readable").len(), 594);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn thousands_of_servers_go_in_at_once_and_come_back() {
    let mut ipvs = open();
    let vip = |n: u32| IpAddr::from((0x0a60_0000 + n).to_be_bytes());
    let pod = |n: u32| IpAddr::from((0x0af4_0000 + n).to_be_bytes());
    let mut changes = Vec::new();
    for n in 0..2_000 {
        let address = VirtualAddress::Port {
            protocol: Protocol::TCP,
            address: (vip(n), 80).into(),
        };
        changes.push(Change::AddVirtual(VirtualServer::new(address, "rr")));
        changes.extend((0..5).map(|of| {
            let server = RealServer::masqueraded((pod(n * 5 + of), 9376).into(), 1);
            Change::AddReal(address, server)
        }));
    }
    change(&mut ipvs, &changes);
    let found = ipvs.servers().expect("readable");
    assert_eq!(found.len(), 2_000);
    assert!(found.iter().all(|(_, real)| real.len() == 5));
}
