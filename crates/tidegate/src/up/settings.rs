//! From the command line to settings that are ready to use.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use ipnet::IpNet;
use tidegate_model::IpFamily;
use tidegate_proxy_config::ProxyMode;
use tidegate_zone::ClusterDomain;

use crate::cli::UpArgs;
use crate::exit::Failure;

/// Everything that the parts are told, with defaults filled in and contradictions refused.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) pod_cidrs: Vec<IpNet>,
    pub(crate) service_cidrs: Vec<IpNet>,
    /// The bridge's own address in each pod range: its first.
    pub(crate) node_addresses: Vec<IpAddr>,
    pub(crate) cluster_dns: Vec<IpAddr>,
    /// Where DNS is served to this machine's pods without conntrack.
    pub(crate) node_local_dns: Vec<IpAddr>,
    /// The cluster's domain, without a trailing dot.
    pub(crate) domain_name: String,
    pub(crate) node_port_range: (u16, u16),
    pub(crate) node_name: String,
    pub(crate) bridge: String,
    pub(crate) resolv_conf: PathBuf,
    /// The mode that the command line asks for.
    pub(crate) proxy_mode: Option<ProxyMode>,
    /// Where the proxy tells about itself.
    pub(crate) metrics_bind_address: SocketAddr,
    /// Where the proxy tells whether it is well.
    pub(crate) healthz_bind_address: SocketAddr,
    pub(crate) keep_rules: bool,
}

/// The place of the DNS server's address in the service range, by custom.
const DNS_PLACE: u128 = 10;

impl Settings {
    /// Takes the command line at its word.
    ///
    /// # Errors
    /// Two ranges of one family, a family of Services without pods, a range too small, a cluster
    /// DNS address outside of the service range, or a name that is not a DNS name.
    pub(crate) fn resolve(args: &UpArgs) -> Result<Self, Failure> {
        let settings = || -> anyhow::Result<Self> {
            let pod_cidrs = one_a_family("--pod-cidr", &args.pod_cidr, 2)?;
            let service_cidrs = one_a_family("--service-cidr", &args.service_cidr, 4)?;
            for service in &service_cidrs {
                let family = IpFamily::of(service.addr());
                if !pod_cidrs
                    .iter()
                    .any(|pod| IpFamily::of(pod.addr()) == family)
                {
                    bail!(
                        "--service-cidr {service}: Services in {family} need pods in {family}: add a range with --pod-cidr"
                    );
                }
            }
            Ok(Self {
                data_dir: std::path::absolute(&args.data_dir)?,
                listen: args.listen,
                node_addresses: pod_cidrs
                    .iter()
                    .filter_map(|cidr| place_in(cidr, 1))
                    .collect(),
                cluster_dns: cluster_dns(args.cluster_dns, &service_cidrs)?,
                node_local_dns: args.node_local_dns.clone(),
                pod_cidrs,
                service_cidrs,
                domain_name: domain(&args.cluster_domain)?,
                node_port_range: args.node_port_range,
                node_name: node_name(args.node_name.as_deref())?,
                bridge: args.bridge.clone(),
                resolv_conf: args.resolv_conf.clone(),
                keep_rules: args.keep_rules,
                proxy_mode: args.proxy_mode,
                metrics_bind_address: args.metrics_bind_address,
                healthz_bind_address: args.healthz_bind_address,
            })
        };
        settings().map_err(Failure::BadInput)
    }
}

/// The address so many places after a range's own, if it is within the range.
fn place_in(cidr: &IpNet, place: u128) -> Option<IpAddr> {
    let address = match cidr.network() {
        IpAddr::V4(network) => IpAddr::V4(
            u32::from(network)
                .checked_add(u32::try_from(place).ok()?)?
                .into(),
        ),
        IpAddr::V6(network) => IpAddr::V6(u128::from(network).checked_add(place)?.into()),
    };
    cidr.contains(&address).then_some(address)
}

fn one_a_family(flag: &str, cidrs: &[IpNet], least_bits: u8) -> anyhow::Result<Vec<IpNet>> {
    for (index, cidr) in cidrs.iter().enumerate() {
        let family = IpFamily::of(cidr.addr());
        if let Some(other) = cidrs[..index]
            .iter()
            .find(|other| IpFamily::of(other.addr()) == family)
        {
            bail!("{flag}: {other} and {cidr} are both {family}; one range a family is the most");
        }
        if cidr.max_prefix_len() - cidr.prefix_len() < least_bits {
            bail!(
                "{flag}: {cidr} is too small; use a /{} or larger",
                cidr.max_prefix_len() - least_bits
            );
        }
    }
    Ok(cidrs.iter().map(IpNet::trunc).collect())
}

fn cluster_dns(asked: Option<IpAddr>, service_cidrs: &[IpNet]) -> anyhow::Result<Vec<IpAddr>> {
    match asked {
        Some(address) if service_cidrs.iter().any(|cidr| cidr.contains(&address)) => {
            Ok(vec![address])
        }
        Some(address) => bail!(
            "--cluster-dns {address} is outside of the service range: choose an address in it"
        ),
        None => Ok(service_cidrs
            .iter()
            .filter_map(|cidr| place_in(cidr, DNS_PLACE))
            .collect()),
    }
}

fn domain(text: &str) -> anyhow::Result<String> {
    let domain: ClusterDomain = text.parse().context("--cluster-domain")?;
    Ok(domain.to_string())
}

fn node_name(asked: Option<&str>) -> anyhow::Result<String> {
    let name = match asked {
        Some(name) => name.to_owned(),
        None => nix::unistd::gethostname()?.to_string_lossy().to_lowercase(),
    };
    match name.split('.').all(is_label) {
        true => Ok(name),
        false => Err(anyhow!(
            "{name:?} can't be a node's name: give one with --node-name, of lower-case letters, digits and -"
        )),
    }
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser;

    fn resolve(flags: &[&str]) -> Result<Settings, String> {
        let line = ["tidegate", "up", "--node-name", "here"]
            .iter()
            .chain(flags);
        let Command::Up(args) = Cli::try_parse_from(line).expect("parses").command else {
            panic!("another command");
        };
        Settings::resolve(&args).map_err(|failure| failure.to_string())
    }

    #[test]
    fn addresses_follow_from_the_ranges() {
        let settings = resolve(&[
            "--service-cidr",
            "10.96.0.0/16,fd00:96::/112",
            "--pod-cidr",
            "10.244.0.0/24,fd00:244::/64",
        ]);
        let settings = settings.expect("is consistent");
        let text = |addresses: &[IpAddr]| {
            addresses
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(text(&settings.cluster_dns), ["10.96.0.10", "fd00:96::a"]);
        assert_eq!(
            text(&settings.node_addresses),
            ["10.244.0.1", "fd00:244::1"]
        );
    }

    #[test]
    fn contradictions_are_refused_with_what_to_do() {
        for (flags, message) in [
            (
                &["--pod-cidr", "10.1.0.0/24,10.2.0.0/24"][..],
                "one range a family is the most",
            ),
            (&["--pod-cidr", "10.1.0.0/32"], "use a /30 or larger"),
            (
                &["--service-cidr", "fd00:96::/112"],
                "add a range with --pod-cidr",
            ),
            (&["--cluster-dns", "10.97.0.10"], "choose an address in it"),
            (
                &["--cluster-domain", "no_such"],
                "can't be a cluster domain",
            ),
        ] {
            let error = resolve(flags).expect_err("contradicts itself");
            assert!(error.contains(message), "{error}");
        }
    }
}
