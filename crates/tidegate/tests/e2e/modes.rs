//! Proxy modes, chosen and switched as operators do it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::machine::{Machine, text};
use crate::rolling::call_during;
use crate::services::HOSTNAMES;
use crate::wait::until;

/// The proxy's ConfigMap with another mode; what is left out has its default.
pub(crate) fn config_map(mode: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: kube-proxy, namespace: kube-system}}
data:
  config.conf: |
    apiVersion: kubeproxy.config.k8s.io/v1alpha1
    kind: KubeProxyConfiguration
    mode: \"{mode}\"
    clusterCIDR: 10.244.0.0/24
    healthzBindAddress: 127.0.0.1:10256
    metricsBindAddress: 127.0.0.1:10249
"
    )
}

fn proxy_mode(machine: &Machine) -> Result<String, String> {
    machine.call("http://127.0.0.1:10249/proxyMode")
}

/// Has the running proxy serve in another mode.
pub(crate) fn switch(machine: &Machine, mode: &str) {
    machine.apply(&config_map(mode));
    until(&format!("the mode is {mode}"), || {
        match proxy_mode(machine) {
            Ok(name) if name == mode => Ok(()),
            other => Err(other),
        }
    });
}

/// A connection that is used again and again.
struct KeptConnection(TcpStream);

impl KeptConnection {
    fn open(machine: &Machine, address: &str) -> Self {
        let stream = machine.inside(|| TcpStream::connect(address).expect("the Service answers"));
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).expect("is not zero");
        Self(stream)
    }

    fn answers(&mut self) -> bool {
        let asked = self
            .0
            .write_all(b"GET / HTTP/1.1\r\nHost: hostnames\r\n\r\n");
        let mut answer = [0; 1024];
        asked.is_ok() && self.0.read(&mut answer).is_ok_and(|length| length > 0)
    }
}

#[test]
fn the_mode_in_the_config_map_switches_the_live_node_without_a_failed_call() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    let ip = machine.cluster_ip("hostnames");
    assert_eq!(
        proxy_mode(&machine).as_deref(),
        Ok("nftables"),
        "auto takes the best"
    );
    let mut kept = vec![KeptConnection::open(&machine, &format!("{ip}:80"))];
    for mode in ["iptables", "userspace", "nftables"] {
        call_during(&machine, &format!("http://{ip}/"), || {
            switch(&machine, mode)
        });
        for (number, connection) in kept.iter_mut().enumerate() {
            assert!(
                connection.answers(),
                "connection {number} ended with the switch to {mode}"
            );
        }
        kept.push(KeptConnection::open(&machine, &format!("{ip}:80")));
        let (tables, chains) = (
            machine.sh("nft list tables"),
            machine.sh("iptables-save -t nat"),
        );
        assert_eq!(
            tables.contains("table ip tidegate\n"),
            mode == "nftables",
            "{mode}: {tables}"
        );
        assert_eq!(
            chains.contains("KUBE-SVC-"),
            mode == "iptables",
            "{mode}: {chains}"
        );
    }
    // A connection through the process keeps that much of the userspace mode until it ends.
    assert!(machine.sh("nft list tables").contains("tidegate-userspace"));
    drop(kept);
    until("nothing of the userspace mode is left", || {
        let tables = machine.sh("nft list tables");
        match tables.contains("tidegate-userspace") {
            true => Err(tables),
            false => Ok(()),
        }
    });
}

#[test]
fn iptables_shows_what_the_tutorials_show() {
    let machine = Machine::new();
    let _up = machine.up(&["--proxy-mode", "iptables"]);
    machine.apply(HOSTNAMES);
    let pods = machine.ready_pods("app=hostnames", 3);
    let ip = machine.cluster_ip("hostnames");
    let rules = until("all pods have rules", || {
        let rules = machine.sh("iptables-save -t nat | grep KUBE");
        match pods
            .iter()
            .all(|(_, pod)| rules.contains(&format!("--to-destination {pod}:9376")))
        {
            true => Ok(rules),
            false => Err(rules),
        }
    });
    let jump = rules
        .lines()
        .find(|line| line.contains(&format!("-d {ip}/32")));
    let jump = jump.expect("KUBE-SERVICES leads to the Service");
    assert!(
        jump.starts_with("-A KUBE-SERVICES") && jump.contains("-j KUBE-SVC-"),
        "{jump}"
    );
    assert!(jump.contains("default/hostnames"), "{jump}");
    for probability in ["0.33333", "0.50000"] {
        let wanted = format!("--mode random --probability {probability}");
        assert!(rules.contains(&wanted), "{wanted} is missing in\n{rules}");
    }
    assert!(
        rules.contains("-j KUBE-SEP-") && rules.contains("-j DNAT"),
        "{rules}"
    );
}

#[test]
fn a_mode_that_the_kernel_lacks_is_refused_by_name_and_the_one_before_goes_on() {
    if std::path::Path::new("/proc/net/ip_vs").exists() {
        eprintln!("skipped: this kernel has IPVS, so that there is no mode it lacks");
        return;
    }
    let machine = Machine::new();
    let up = machine.up(&[]);
    machine.apply(HOSTNAMES);
    machine.ready_pods("app=hostnames", 3);
    machine.apply(&config_map("ipvs"));
    let said = until("the log names what is missing", || {
        let said = up.said();
        match said.contains("ip_vs") {
            true => Ok(said),
            false => Err(said),
        }
    });
    assert!(
        said.contains("modprobe ip_vs"),
        "says what would bring it: {said}"
    );
    assert_eq!(proxy_mode(&machine).as_deref(), Ok("nftables"));
    let url = format!("http://{}/", machine.cluster_ip("hostnames"));
    machine.call(&url).expect("the Service is still served");
    until("an Event on the node tells it", || {
        let events = machine.tidegate(&["get", "events", "-o", "json"]);
        match text(&events).contains("ProxyModeRefused") {
            true => Ok(()),
            false => Err(text(&events)),
        }
    });
    up.interrupt();
    let refused = machine.tidegate(&["up", "--proxy-mode", "ipvs"]);
    assert_eq!(refused.status.code(), Some(3), "{}", text(&refused));
    assert!(
        text(&refused).contains("modprobe ip_vs"),
        "{}",
        text(&refused)
    );
}

#[test]
fn a_configuration_that_is_not_valid_is_refused_and_the_one_before_stays() {
    let machine = Machine::new();
    let up = machine.up(&[]);
    machine.apply(&config_map("fastest"));
    until("the log says what is wrong", || {
        let said = up.said();
        match said.contains("Mode.ProxyMode: Invalid value: \"fastest\"") {
            true => Ok(()),
            false => Err(said),
        }
    });
    assert_eq!(proxy_mode(&machine).as_deref(), Ok("nftables"));
}

#[test]
fn an_unknown_scheduler_is_refused_with_an_event_on_the_service() {
    let machine = Machine::new();
    let _up = machine.up(&[]);
    machine.apply(
        "apiVersion: v1
kind: Service
metadata: {name: picky, annotations: {tidegate.dev/scheduler: fortune}}
spec: {ports: [{port: 80}]}
",
    );
    until("an Event names the scheduler", || {
        let events = machine.tidegate(&["get", "events", "-o", "json"]);
        let events = text(&events);
        match events.contains("fortune") && events.contains("picky") {
            true => Ok(()),
            false => Err(events),
        }
    });
}
