//! A server block from its configuration.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tidegate_dns_config as config;
use tidegate_dns_config::{ServerBlock, ZoneName};
use tidegate_dns_wire::{Kind, LowerName};
use tidegate_forward::{OwnAddresses, Resolver, SetupError};
use tidegate_tsig::{Algorithm, Key};
use tidegate_watch::Selectors;
use tidegate_zone::{
    ClusterDomain, EndpointLabels, PodNames, ReverseZone, ZoneSettings, network_of_reverse_name,
};
use tokio::runtime::Handle;

use super::autopath::{Autopath, Search};
use super::hosts::{Hosts, HostsSettings};
use super::rewrite::Rewriter;
use super::signing::{Keys, Required};
use super::transfer::{Permission, Transfers};
use super::{Block, Cluster, Route, upstreams};
use crate::loop_check::LoopCheck;
use crate::names::{ClusterNames, Making};
use crate::observe::{BlockStats, ErrorLog, LogRule, QueryLog};
use crate::rate_limit::{RateLimiter, RateSettings};

/// What a block is built among.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    pub(crate) names: Arc<ClusterNames>,
    /// Where this server itself is reached.
    pub(crate) own: OwnAddresses,
    /// How many threads answer.
    pub(crate) workers: usize,
    pub(crate) runtime: Handle,
    /// What the node's own resolver searches, for the end of clients' search paths.
    pub(crate) search: Vec<LowerName>,
}

/// Why a configuration can't be served.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A domain of the cluster that names can't be put before.
    #[error("the zone {zone} of kubernetes: {reason}")]
    Domain {
        /// The zone.
        zone: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that is understood, and that this server doesn't do.
    #[error("{what} is not supported by this server: {remedy}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
    /// A file that is needed can't be read.
    #[error("{path} can't be read: {source}; correct the path or its permissions")]
    File {
        /// The file.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Other servers can't be spoken to like this.
    #[error("forward {from}: {source}")]
    Forward {
        /// The domain whose names are passed on.
        from: String,
        /// What is wrong.
        source: SetupError,
    },
    /// A pattern of a rewriting rule, or of failures that are told together.
    #[error("a pattern can't be read: {0}")]
    Pattern(#[from] regex::Error),
    /// A key for signatures.
    #[error("tsig: the secret of the key {name} is not Base64; correct it")]
    Key {
        /// The key's name.
        name: String,
    },
}

/// Builds a block, of whose zones `port` is the port.
pub(crate) fn build(
    block: &ServerBlock,
    port: u16,
    around: &Surroundings,
) -> Result<Block, BuildError> {
    let zones: Vec<LowerName> = block.zones.iter().map(|zone| lower(&zone.name)).collect();
    let cluster = match &block.kubernetes {
        Some(kubernetes) => Some(cluster(kubernetes, &zones, needs_pods(block), around)?),
        None => None,
    };
    let routes = block.forward.iter().map(|forward| {
        let cache = block.cache.as_ref();
        let settings = upstreams::settings(forward, cache)?;
        let resolver = Resolver::new(settings, around.own.clone(), around.runtime.clone());
        Ok(Route {
            from: lower(&forward.from),
            except: forward.except.iter().map(lower).collect(),
            resolver: resolver.map_err(|source| BuildError::Forward {
                from: forward.from.to_string(),
                source,
            })?,
        })
    });
    let first_zone = zones.first().copied().unwrap_or(LowerName::ROOT);
    Ok(Block {
        server: format!("dns://:{port}"),
        zone: first_zone.to_string(),
        routes: routes.collect::<Result<_, BuildError>>()?,
        hosts: block.hosts.as_ref().map(|hosts| {
            let hosts = Hosts::new(hosts_settings(hosts, &zones));
            hosts.keep_looking(&around.runtime);
            hosts
        }),
        stats: BlockStats::new(around.workers + 1),
        log: QueryLog(block.log.iter().map(log_rule).collect()),
        errors: match &block.errors {
            Some(errors) => Some(ErrorLog::new(errors, around.runtime.clone())?),
            None => None,
        },
        loop_check: block.loop_check.then(|| LoopCheck::new(&first_zone)),
        rewriter: Rewriter::new(&block.rewrite)?,
        autopath: autopath(block, &zones, cluster.as_ref(), around)?,
        transfers: transfers(block, &zones),
        keys: keys(block, &zones)?,
        rate_limit: block.rate_limit.as_ref().map(|limit| {
            RateLimiter::new(RateSettings {
                per_second: limit.responses_per_second,
                window: limit.window,
                ipv4_prefix: limit.ipv4_prefix,
                ipv6_prefix: limit.ipv6_prefix,
                slip: limit.slip,
            })
        }),
        rotates: block.loadbalance.is_some(),
        turn: Default::default(),
        cluster,
    })
}

/// The name that a configuration's zone is. Both have the same rules.
pub(crate) fn lower(zone: &ZoneName) -> LowerName {
    LowerName::from_text(zone.as_str()).unwrap_or(LowerName::ROOT)
}

fn lower_or(zones: &[ZoneName], otherwise: &[LowerName]) -> Vec<LowerName> {
    match zones.is_empty() {
        true => otherwise.to_vec(),
        false => zones.iter().map(lower).collect(),
    }
}

fn cluster(
    kubernetes: &config::Kubernetes,
    zones: &[LowerName],
    pods: bool,
    around: &Surroundings,
) -> Result<Cluster, BuildError> {
    let zones = lower_or(&kubernetes.zones, zones);
    let fallthrough: Vec<LowerName> = kubernetes.fallthrough.iter().map(lower).collect();
    let mut domains = Vec::new();
    let mut reverse_zones = Vec::new();
    for zone in &zones {
        match network_of_reverse_name(zone) {
            Some(network) => reverse_zones.push(ReverseZone {
                network,
                fallthrough: fallthrough
                    .iter()
                    .any(|one| zone.labels_before(one).is_some()),
            }),
            None => {
                let text = zone.to_string();
                let domain: Result<ClusterDomain, _> = text.parse();
                domains.push(domain.map_err(|error| BuildError::Domain {
                    zone: text,
                    reason: error.to_string(),
                })?);
            }
        }
    }
    let labels = match (kubernetes.no_endpoints, kubernetes.endpoint_pod_names) {
        (true, _) => EndpointLabels::Nothing,
        (false, true) => EndpointLabels::PodName,
        (false, false) => EndpointLabels::Address,
    };
    let selector = |of: &Option<config::LabelSelector>| of.as_ref().map(ToString::to_string);
    let selectors = Selectors {
        objects: selector(&kubernetes.labels),
        namespaces: selector(&kubernetes.namespace_labels),
    };
    let making = Making {
        labels,
        pods,
        selectors,
    };
    Ok(Cluster {
        index: around.names.index(making),
        settings: ZoneSettings {
            domains,
            ttl: kubernetes.ttl,
            pod_names: match kubernetes.pods {
                config::PodMode::Disabled => PodNames::Disabled,
                config::PodMode::Insecure => PodNames::Insecure,
                config::PodMode::Verified => PodNames::Verified,
            },
            name_servers: around.own.advertised.clone(),
            reverse_zones,
            fallthrough,
            namespaces: kubernetes.namespaces.clone(),
            hides_empty_services: kubernetes.ignore_empty_service,
            zonal: kubernetes.zonal,
        },
    })
}

fn hosts_settings(hosts: &config::Hosts, zones: &[LowerName]) -> HostsSettings {
    let entries = hosts.entries.iter().map(|entry| {
        let names = entry.names.iter().map(lower).collect();
        (entry.address, names)
    });
    HostsSettings {
        file: PathBuf::from(&hosts.file),
        zones: lower_or(&hosts.zones, zones),
        entries: entries.collect(),
        ttl: hosts.ttl,
        has_reverse: hosts.reverse,
        look_every: hosts.reload,
        fallthrough: hosts.fallthrough.iter().map(lower).collect(),
        passes_other_types: hosts.fallthrough_unsupported,
    }
}

fn log_rule(log: &config::Log) -> LogRule {
    LogRule {
        names: log.names.iter().map(lower).collect(),
        classes: log.classes.clone(),
        format: log.format,
    }
}

fn autopath(
    block: &ServerBlock,
    zones: &[LowerName],
    cluster: Option<&Cluster>,
    around: &Surroundings,
) -> Result<Option<Autopath>, BuildError> {
    let Some(autopath) = &block.autopath else {
        return Ok(None);
    };
    let search = match (&autopath.search, cluster) {
        (config::AutopathSearch::ResolvConf(path), _) => Search::Fixed(search_of_file(path)?),
        (config::AutopathSearch::Kubernetes, Some(cluster)) => pods(cluster, &around.search),
        (config::AutopathSearch::Kubernetes, None) => {
            return Err(BuildError::Unsupported {
                what: "autopath @kubernetes without kubernetes",
                remedy: "add kubernetes to the server block, or name a resolv.conf",
            });
        }
    };
    Ok(Some(Autopath {
        zones: lower_or(&autopath.zones, zones),
        search,
        ttl: cluster.map_or(5, |cluster| cluster.settings.ttl),
    }))
}

fn pods(cluster: &Cluster, more: &[LowerName]) -> Search {
    let domain = cluster.settings.domains.first();
    Search::Pods {
        index: Arc::clone(&cluster.index),
        domain: Box::new(domain.map_or(LowerName::ROOT, |domain| *domain.name())),
        more: more.to_vec(),
    }
}

/// The domains that a file like `/etc/resolv.conf` has clients search.
fn search_of_file(path: &str) -> Result<Vec<LowerName>, BuildError> {
    let text = read(path)?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("search"));
    let last = lines.next_back().unwrap_or_default();
    Ok(last
        .split_whitespace()
        .filter_map(|word| LowerName::from_text(word).ok())
        .collect())
}

/// Reads a file that the configuration names.
pub(super) fn read(path: &str) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|source| BuildError::File {
        path: path.to_owned(),
        source,
    })
}

fn transfers(block: &ServerBlock, zones: &[LowerName]) -> Transfers {
    let everybody = [
        IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
        IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
    ];
    let permissions = block.transfer.iter().map(|transfer| Permission {
        zones: lower_or(&transfer.zones, zones),
        clients: transfer
            .to
            .iter()
            .flat_map(|target| match target {
                config::TransferTarget::Everybody => everybody.to_vec(),
                config::TransferTarget::Network(network) => vec![*network],
                config::TransferTarget::Server(server) => vec![single(server.ip())],
            })
            .collect(),
    });
    Transfers::new(permissions.collect())
}

fn single(address: IpAddr) -> IpNet {
    IpNet::from(address.to_canonical())
}

fn keys(block: &ServerBlock, zones: &[LowerName]) -> Result<Keys, BuildError> {
    let Some(tsig) = &block.tsig else {
        return Ok(Keys::default());
    };
    let keys = tsig.keys.iter().map(|key| {
        let secret = key.secret.bytes().ok_or_else(|| BuildError::Key {
            name: key.name.to_string(),
        });
        Ok(Key {
            name: lower(&key.name),
            algorithm: match key.algorithm {
                config::TsigAlgorithm::HmacSha1 => Algorithm::Sha1,
                config::TsigAlgorithm::HmacSha224 => Algorithm::Sha224,
                config::TsigAlgorithm::HmacSha256 => Algorithm::Sha256,
                config::TsigAlgorithm::HmacSha384 => Algorithm::Sha384,
                config::TsigAlgorithm::HmacSha512 => Algorithm::Sha512,
            },
            secret: secret?,
        })
    });
    Ok(Keys {
        zones: lower_or(&tsig.zones, zones),
        keys: keys.collect::<Result<_, BuildError>>()?,
        required: match &tsig.require {
            config::TsigRequire::None => Required::None,
            config::TsigRequire::All => Required::All,
            config::TsigRequire::Types(names) => {
                let named = |name: &String| Kind::from_name(name);
                Required::Kinds(names.iter().filter_map(named).collect())
            }
        },
    })
}

/// Whether a block asks for the addresses of pods.
fn needs_pods(block: &ServerBlock) -> bool {
    let verified = |kubernetes: &config::Kubernetes| kubernetes.pods == config::PodMode::Verified;
    let by_pod =
        |autopath: &config::Autopath| autopath.search == config::AutopathSearch::Kubernetes;
    block.kubernetes.as_ref().is_some_and(verified) || block.autopath.as_ref().is_some_and(by_pod)
}
