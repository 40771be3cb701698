//! What is in the kernel is what was put there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_netlink::ipvs::{Change, Ipvs, Timeouts, VirtualServer};
use tidegate_netlink::{Protocol, SocketError};

use crate::examples::{examples, load};
use crate::support::run;
use crate::{change, open, port};

#[test]
#[ignore = "runs in the virtual machine"]
fn ipvsadm_saves_what_we_print() {
    let mut ipvs = open();
    load(&mut ipvs);
    let mut ours = Vec::new();
    for (server, real_servers) in examples() {
        ours.push(Change::AddVirtual(server.clone()).to_string());
        let real = real_servers.into_iter();
        ours.extend(real.map(|real| Change::AddReal(server.address, real).to_string()));
    }
    let saved = run("ipvsadm -S -n");
    let mut saved: Vec<_> = saved.lines().map(str::trim_end).collect();
    saved.sort_unstable();
    ours.sort_unstable();
    assert_eq!(saved, ours);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn the_kernel_gives_back_what_it_was_given() {
    let mut ipvs = open();
    load(&mut ipvs);
    let mut found = ipvs.servers().expect("readable");
    let mut wanted = examples();
    found.sort_by_key(|(server, _)| server.address);
    wanted.sort_by_key(|(server, _)| server.address);
    for ((found, found_real), (wanted, mut wanted_real)) in found.into_iter().zip(wanted) {
        assert_eq!(found, wanted);
        let mut found_real: Vec<_> = found_real.iter().map(|found| found.server).collect();
        found_real.sort_by_key(|server| server.address);
        wanted_real.sort_by_key(|server| server.address);
        assert_eq!(found_real, wanted_real, "{found}");
    }
    assert_eq!(ipvs.virtual_servers().expect("readable").len(), 7);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn time_outs_are_read_and_set() {
    let mut ipvs = open();
    let default = Timeouts {
        tcp: 900,
        tcp_fin: 120,
        udp: 300,
    };
    assert_eq!(ipvs.timeouts().expect("readable"), default);
    let one = Timeouts {
        tcp: 0,
        tcp_fin: 0,
        udp: 77,
    };
    ipvs.set_timeouts(one).expect("accepted");
    let now = Timeouts { udp: 77, ..default };
    assert_eq!(ipvs.timeouts().expect("readable"), now);
    assert_eq!(
        run("ipvsadm -L --timeout").trim_end(),
        format!("Timeout (tcp tcpfin udp): {now}")
    );
    let info = ipvs.info().expect("readable");
    assert!(info.connection_table_size >= 256, "{info}");
    let listed = run("ipvsadm -L");
    assert_eq!(listed.lines().next(), Some(info.to_string().as_str()));
}

#[test]
#[ignore = "runs in the virtual machine"]
fn a_network_namespace_has_servers_of_its_own() {
    let mut here = open();
    load(&mut here);
    let mut there = std::thread::spawn(open).join().expect("opened");
    assert_eq!(there.virtual_servers().expect("readable"), []);
}

#[test]
#[ignore = "runs in the virtual machine"]
fn changes_in_another_namespace_hide_nothing() {
    let servers = |network: u8| {
        let server = move |n: u8| {
            let to = format!("10.{network}.0.{n}:80");
            VirtualServer::new(port(Protocol::TCP, &to), "rr")
        };
        (1..=250).map(server).collect::<Vec<_>>()
    };
    let mut here = open();
    let wanted = servers(96);
    let added: Vec<_> = wanted.iter().cloned().map(Change::AddVirtual).collect();
    change(&mut here, &added);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut there = open();
            let all = servers(97);
            let add: Vec<_> = all.iter().cloned().map(Change::AddVirtual).collect();
            let delete = all.iter().map(|one| Change::DeleteVirtual(one.address));
            let delete: Vec<_> = delete.collect();
            while !over.load(Ordering::Relaxed) {
                change(&mut there, &add);
                change(&mut there, &delete);
                // Somebody who reads needs a moment now and then in which nothing changes.
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let looks: Vec<_> = (0..100).map(|_| look(&mut here, &wanted)).collect();
        over.store(true, Ordering::Relaxed);
        for (listed, missing, found) in looks {
            assert_eq!(listed + missing.len(), wanted.len(), "none is made up");
            assert_eq!(found, missing, "what was left out is known all the same");
        }
    });
    let (some, is_there) = (&wanted[7], here.virtual_server(&wanted[7].address));
    assert_eq!(is_there.expect("readable").as_ref(), Some(some));
    let nobody = port(Protocol::TCP, "10.98.0.1:80");
    assert_eq!(here.virtual_server(&nobody).expect("readable"), None);
}

/// How many virtual servers are listed, which are missing, and which of those are found one by one.
fn look(
    ipvs: &mut Ipvs,
    wanted: &[VirtualServer],
) -> (usize, Vec<VirtualServer>, Vec<VirtualServer>) {
    let listed = match ipvs.virtual_servers() {
        // Where changes never pause it says so.
        Err(SocketError::Unsteady) => Vec::new(),
        listed => listed.expect("readable"),
    };
    let missing = wanted.iter().filter(|one| !listed.contains(one));
    let missing: Vec<_> = missing.cloned().collect();
    let found = missing
        .iter()
        .filter_map(|one| ipvs.virtual_server(&one.address).expect("readable"));
    let found = found.collect();
    (listed.len(), missing, found)
}
