//! The flags of `dns`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

/// Where the configuration is, and how to reach the cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct DnsArgs {
    /// CoreDNS's configuration file. While it has `reload` in it, a change takes effect within
    /// seconds; one that is wrong is refused, and the one before stays in force.
    #[arg(
        long,
        visible_alias = "conf",
        value_name = "FILE",
        conflicts_with = "config"
    )]
    pub(crate) corefile: Option<PathBuf>,

    /// The same as our own YAML, which has a few words more; `--write-config-to` makes one of a
    /// Corefile.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// The cluster's domain, where no file says it. Without a file the server does what kubeadm's
    /// Corefile says, on loopback addresses alone.
    #[arg(long, value_name = "DOMAIN", default_value = "cluster.local")]
    pub(crate) cluster_domain: String,

    /// How to reach the API; without it, as the file says, or else with the credentials of the pod
    /// that this runs in.
    #[arg(long, value_name = "FILE", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Where server blocks listen that don't say where (`bind`); every address if a file is given.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) listen: Vec<IpAddr>,

    /// Addresses under which clients reach this server, such as its Service's cluster IP.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) advertise: Vec<IpAddr>,

    /// Only say whether the configuration is right.
    #[arg(long)]
    pub(crate) check: bool,

    /// Only write the configuration to a file, as our own YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) write_config_to: Option<PathBuf>,
}
