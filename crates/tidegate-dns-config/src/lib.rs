//! What a DNS server shall do, from a Corefile or from our own YAML.
//!
//! [`parse_corefile`] reads CoreDNS's configuration as far as clusters use it, and names by line
//! what it doesn't know; [`parse_yaml`] reads our own, which has a few words more; both give a
//! [`DnsConfig`]. [`write_yaml`] writes it, so that any Corefile can be had as YAML.
//! [`DnsConfig::default_for`] is what a cluster has that nobody configured.
//!
//! ```
//! use tidegate_dns_config::{NoEnv, NoImports, parse_corefile, parse_yaml, write_yaml};
//!
//! let corefile = ". {
//!     kubernetes cluster.local
//!     forward . 10.0.0.1 {
//!         max_concurrent 1000
//!     }
//! }";
//! let parsed = parse_corefile(corefile, "Corefile", &NoImports, &NoEnv)?;
//! assert_eq!(parsed.config.servers[0].forward[0].max_concurrent, Some(1000));
//! assert_eq!(parse_yaml(&write_yaml(&parsed.config), "dns.yaml")?, parsed);
//!
//! let wrong = corefile.replace("max_concurrent", "max_concurent");
//! let problems = parse_corefile(&wrong, "Corefile", &NoImports, &NoEnv).unwrap_err();
//! assert!(problems.to_string().starts_with(
//!     "Corefile:4: forward: max_concurent: there is no such property; there are except,"
//! ));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here does I/O or reads a clock: files that a Corefile imports and the environment that
//! it refers to are handed in ([`Imports`], [`Env`]), and other files are only named in the result.

mod check;
mod config;
mod corefile;
mod duration;
mod overlap;
mod pattern;
mod problem;
mod reverse_zones;
mod text_form;
mod yaml;
mod zone_name;

pub use config::{
    AnswerField, AnswerRewrite, Autopath, AutopathSearch, Bind, BindTo, Cache, CacheKind,
    ClientTls, Consolidate, DnsConfig, Errors, Forward, Health, HealthCheck, HostEntry, Hosts,
    InvalidListenAddress, InvalidRcode, InvalidSelector, InvalidTransferTarget, InvalidUpstream,
    Kubeconfig, Kubernetes, LabelOperator, LabelRequirement, LabelSelector, ListenAddress,
    LoadBalance, Log, LogClass, LogFormat, LogLevel, Metrics, NameMatch, NodeLocal, PodMode,
    Policy, Prefetch, RateLimit, Rcode, Ready, ReadyMonitor, RefreshMode, Reload, RewriteRule,
    ServeStale, ServedZone, ServerBlock, TcpLimits, Then, TlsFiles, Transfer, TransferTarget, Tsig,
    TsigAlgorithm, TsigKey, TsigRequire, TsigSecret, Upstream, UpstreamTransport, default_corefile,
};
pub use corefile::{
    Env, ImportedFile, Imports, LARGEST_FILE, NoEnv, NoImports, Parsed, SUPPORTED_PLUGINS,
    parse_corefile,
};
pub use problem::{Place, Problem, ProblemKind, Problems, Warning};
pub use yaml::{API_VERSION, KIND, parse_yaml, write_yaml};
pub use zone_name::{InvalidZoneName, ZoneName};
