//! How long it takes to only load rules, with the tools that others load theirs with.
//!
//! For nftables that is upstream's shape: kube-proxy 1.36 gives each Service a chain and an
//! anonymous map.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use tidegate_iptables::Variant;
use tidegate_testnet::Host;

use crate::modes::{Mode, iptables_options};
use crate::options::Options;
use crate::progress::tell;
use crate::results::PlainTool;
use crate::series::{self, median};
use crate::services::{Cluster, POD_PORT, Size, name};

/// How many changes are timed.
const CHANGES: usize = 5;

/// What is done on a machine that has nothing yet: several times where that is quick, of which the
/// median counts.
fn on_new_machines(
    load: impl Fn() -> anyhow::Result<f64> + Send + Clone + 'static,
) -> anyhow::Result<(Host, f64)> {
    let mut times = Vec::new();
    loop {
        let host = Host::new();
        times.push(host.with(load.clone())?);
        if series::is_enough(&times) {
            let seconds = median(times).context("it was done at least once")?;
            return Ok((host, seconds));
        }
    }
}

/// Measures what belongs beside the modes that are compared.
pub(crate) fn measure(options: &Options, size: Size) -> anyhow::Result<Vec<PlainTool>> {
    let mut tools = Vec::new();
    for mode in &options.modes {
        match mode {
            Mode::Nftables => tools.push(measure_nft(size)?),
            Mode::Iptables => tools.push(measure_restore(Variant::Legacy, size)?),
            Mode::IptablesNft => tools.push(measure_restore(Variant::Nft, size)?),
            Mode::Ipvs | Mode::Userspace => {}
        }
    }
    for tool in &tools {
        let PlainTool {
            tool,
            services,
            program_seconds,
            ..
        } = tool;
        tell(&format!(
            "{tool}: {services} Services loaded in {program_seconds:.3} s"
        ));
    }
    Ok(tools)
}

/// Loads the shape with `nft -f` on a machine of its own, then replaces one Service's chain.
fn measure_nft(size: Size) -> anyhow::Result<PlainTool> {
    let program = program(size);
    let (host, program_seconds) = on_new_machines(move || feed("nft", &["-f", "-"], &program))?;
    let service = size.services / 2;
    let change_seconds = host.with(move || {
        let changes = (0..CHANGES).map(|_| {
            let mut change = format!("flush chain ip other {}\n", chain(service));
            for rule in rules(service, &size.endpoints_of(service)) {
                let _ = writeln!(change, "add rule ip other {} {rule}", chain(service));
            }
            feed("nft", &["-f", "-"], &change)
        });
        changes.collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(PlainTool {
        tool: "nft -f, upstream's shape".to_owned(),
        services: size.services,
        program_seconds,
        change_seconds,
    })
}

/// The least that can be changed: a rule that has nothing to do with Services.
const UNRELATED: &str = "*nat\n-A OUTPUT -d 192.0.2.99/32 -j RETURN\nCOMMIT\n";

/// Loads the text that the iptables mode loads, on a machine of its own, then single rules. The
/// kernel takes in the whole table for each of them.
fn measure_restore(variant: Variant, size: Size) -> anyhow::Result<PlainTool> {
    let program = match variant {
        Variant::Nft => "iptables-nft-restore",
        Variant::Auto | Variant::Legacy => "iptables-legacy-restore",
    };
    let mut cluster = Cluster::new(size);
    cluster.plan();
    let text = tidegate_iptables::render(cluster.planner.plan(), &iptables_options(variant));
    // What follows is for `ip6tables-restore`.
    let text = text.split("# IPv6").next().unwrap_or_default().to_owned();
    let (host, program_seconds) = on_new_machines(move || feed(program, &["--counters"], &text))?;
    let change_seconds = host.with(move || {
        let changes = (0..CHANGES).map(|_| feed(program, &["--noflush"], UNRELATED));
        changes.collect::<anyhow::Result<Vec<_>>>()
    })?;
    Ok(PlainTool {
        tool: format!("{program}, the same text"),
        services: size.services,
        program_seconds,
        change_seconds,
    })
}

/// Gives a program its input and waits for its end; the time that it took, in seconds.
pub(crate) fn feed(program: &str, arguments: &[&str], input: &str) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} can't be started"))?;
    let stdin = child.stdin.take();
    stdin
        .context("its input is piped")?
        .write_all(input.as_bytes())?;
    let status = child.wait()?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(begun.elapsed().as_secs_f64())
}

fn chain(service: u32) -> String {
    format!("service-{service:08X}-default/{}/tcp/80", name(service))
}

fn rules(service: u32, endpoints: &[IpAddr]) -> [String; 2] {
    let ip = Size::frontend(service).ip();
    let map: String = endpoints
        .iter()
        .enumerate()
        .map(|(number, endpoint)| format!("{number} : {endpoint} . {POD_PORT}, "))
        .collect();
    let count = endpoints.len();
    [
        format!("ip daddr {ip} tcp dport 80 ip saddr != 10.244.0.0/16 jump mark-for-masquerade"),
        format!(
            "meta l4proto tcp dnat ip addr . port to numgen random mod {count} map {{ {map} }}"
        ),
    ]
}

fn program(size: Size) -> String {
    let mut text = "table ip other {\n\
        chain mark-for-masquerade { meta mark set meta mark | 0x4000; }\n"
        .to_owned();
    for service in 0..size.services {
        let [masquerade, balance] = rules(service, &size.endpoints_of(service));
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "chain {} {{\n{masquerade}\n{balance}\n}}",
            chain(service)
        );
    }
    text.push_str(
        "map service-ips { type ipv4_addr . inet_proto . inet_service : verdict; elements = {\n",
    );
    for service in 0..size.services {
        let (ip, chain) = (Size::frontend(service).ip(), chain(service));
        let _ = writeln!(text, "{ip} . tcp . 80 : goto {chain},");
    }
    text.push_str(
        "} }\n\
         chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }\n\
         chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }\n\
         chain nat-output { type nat hook output priority -100; jump services; }\n\
         chain nat-postrouting { type nat hook postrouting priority srcnat; meta mark & 0x4000 != 0 masquerade fully-random; }\n}\n",
    );
    text
}
