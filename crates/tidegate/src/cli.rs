//! The command line, faithful to what was typed.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;
use tidegate_modes::Mode;
use tidegate_proxy_config::ProxyMode;

use crate::commands::dns::DnsArgs;
use crate::commands::proxy::ProxyArgs;
use crate::exit::EXIT_CODES;

/// Kubernetes Services, whole: stable addresses and names over pods that come and go.
#[derive(Debug, Parser)]
#[command(name = "tidegate", disable_version_flag = true, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    /// Say more in the log: -v for steps, -vv for details, -vvv for everything.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,

    /// How the log is written to standard error.
    #[arg(long, value_enum, default_value_t = LogFormat::Text, global = true)]
    pub(crate) log_format: LogFormat,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything on this machine: API, store, controllers, pods, proxy and DNS.
    Up(UpArgs),
    /// Run everything, with the classic example in it, and watch calls being answered.
    Demo(DemoArgs),
    /// Create or change objects as manifests say.
    Apply(ApplyArgs),
    /// Show objects.
    Get(GetArgs),
    /// Delete objects.
    Delete(DeleteArgs),
    /// Run a command in a container of a pod, and end with the command's exit code.
    Exec(ExecArgs),
    /// Show what a pod's containers have printed.
    Logs(LogsArgs),
    /// Program the kernel of a node of any Kubernetes cluster, in place of kube-proxy.
    ///
    /// Flags and configuration file are kube-proxy's. A change of the file takes effect without a
    /// restart.
    Proxy(ProxyArgs),
    /// Answer the names of any Kubernetes cluster, in place of CoreDNS, from its Corefile.
    Dns(DnsArgs),
    /// Print the program that manifests would become in the kernel; needs no root and no cluster.
    Render(RenderArgs),
    /// Remove every rule, link, mount and process that tidegate made on this machine.
    Cleanup(CleanupArgs),
    /// Print the version.
    Version,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct UpArgs {
    /// Where the store, the certificates, the kubeconfig and the pods' logs are kept.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA_DIR)]
    pub(crate) data_dir: PathBuf,

    /// Where the API server listens.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:6443")]
    pub(crate) listen: SocketAddr,

    /// The range that pods get their addresses from; one of each family at most.
    #[arg(
        long,
        value_name = "CIDR",
        default_value = "10.244.0.0/24",
        value_delimiter = ','
    )]
    pub(crate) pod_cidr: Vec<IpNet>,

    /// The range that Services get their addresses from; one of each family at most.
    #[arg(
        long,
        value_name = "CIDR",
        default_value = "10.96.0.0/16",
        value_delimiter = ','
    )]
    pub(crate) service_cidr: Vec<IpNet>,

    /// The DNS server's address in the service range [default: the tenth address].
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) cluster_dns: Option<IpAddr>,

    /// Addresses of this machine alone where DNS is served to its pods without conntrack, such as
    /// 169.254.20.10; pods ask there instead of at the cluster DNS address.
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) node_local_dns: Vec<IpAddr>,

    /// The domain that cluster names end in.
    #[arg(long, value_name = "NAME", default_value = "cluster.local")]
    pub(crate) cluster_domain: String,

    /// The ports that node ports are taken from.
    #[arg(long, value_name = "FIRST-LAST", default_value = "30000-32767", value_parser = parse_port_range)]
    pub(crate) node_port_range: (u16, u16),

    /// This machine's name in the cluster [default: its host name].
    #[arg(long, value_name = "NAME")]
    pub(crate) node_name: Option<String>,

    /// The bridge that pods hang on.
    #[arg(long, value_name = "LINK", default_value = "tidegate0")]
    pub(crate) bridge: String,

    /// The file that names this machine's own DNS resolvers.
    #[arg(long, value_name = "FILE", default_value = "/etc/resolv.conf")]
    pub(crate) resolv_conf: PathBuf,

    /// How Services get into the kernel: userspace, iptables, ipvs, nftables, or auto for the best
    /// that works here [default: what the ConfigMap kube-system/kube-proxy says, at first auto].
    #[arg(long, value_name = "MODE", value_parser = parse_proxy_mode)]
    pub(crate) proxy_mode: Option<ProxyMode>,

    /// Where the proxy tells about itself: /metrics, /proxyMode, /configz.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10249")]
    pub(crate) metrics_bind_address: SocketAddr,

    /// Where the proxy tells whether it is well: /healthz, /livez.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:10256")]
    pub(crate) healthz_bind_address: SocketAddr,

    /// Leave the rules in the kernel on exit.
    #[arg(long)]
    pub(crate) keep_rules: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) up: UpArgs,

    /// End after this many calls; 0 goes on until interrupted.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) calls: usize,
}

/// How to reach the API server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Connect {
    /// The kubeconfig to connect with [default: the one in the data directory].
    #[arg(long, value_name = "FILE", env = "KUBECONFIG")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The data directory of `tidegate up`.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA_DIR)]
    pub(crate) data_dir: PathBuf,

    /// The namespace to work in.
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    pub(crate) namespace: String,
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Manifests to apply: files, directories, or - for standard input.
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    pub(crate) filenames: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// The kind of object: services, svc, pods, endpointslices, ….
    pub(crate) kind: String,

    /// One object; all of them if it is left out.
    pub(crate) name: Option<String>,

    /// In all namespaces.
    #[arg(short = 'A', long, conflicts_with_all = ["name"])]
    pub(crate) all_namespaces: bool,

    /// Only objects with these labels, as in app=web.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,

    /// How to show them.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    pub(crate) output: Output,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// The usual columns.
    Table,
    /// All columns.
    Wide,
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// The kind of object.
    #[arg(required_unless_present = "filenames", requires = "name")]
    pub(crate) kind: Option<String>,

    /// The object's name.
    pub(crate) name: Option<String>,

    /// Delete what these manifests name.
    #[arg(short, long = "filename", value_name = "FILE", conflicts_with = "kind")]
    pub(crate) filenames: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

#[derive(Debug, Args)]
pub(crate) struct ExecArgs {
    /// The pod's name.
    pub(crate) pod: String,

    /// The container, for pods with more than one.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,

    /// Pass standard input on to the command.
    #[arg(short = 'i', long)]
    pub(crate) stdin: bool,

    /// Give the command a terminal; for a standard input that is one.
    #[arg(short, long)]
    pub(crate) tty: bool,

    #[command(flatten)]
    pub(crate) connect: Connect,

    /// The program and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArgs {
    /// The pod's name.
    pub(crate) pod: String,

    /// The container, for pods with more than one.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) container: Option<String>,

    /// Go on as the container prints more.
    #[arg(short, long)]
    pub(crate) follow: bool,

    /// Only so many lines from the end.
    #[arg(long, value_name = "LINES")]
    pub(crate) tail: Option<u64>,

    /// The log of the container's run before this one.
    #[arg(short, long)]
    pub(crate) previous: bool,

    #[command(flatten)]
    pub(crate) connect: Connect,
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Manifests to render: files, directories, or - for standard input.
    #[arg(short, long = "filename", value_name = "FILE", required = true)]
    pub(crate) filenames: Vec<PathBuf>,

    /// The proxy mode to render for.
    #[arg(long, value_name = "MODE", default_value_t = Mode::Nftables)]
    pub(crate) mode: Mode,
}

#[derive(Debug, Args)]
pub(crate) struct CleanupArgs {
    /// The data directory whose pods and links are to go; its contents stay.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_DATA_DIR)]
    pub(crate) data_dir: PathBuf,
}

const DEFAULT_DATA_DIR: &str = "/var/lib/tidegate";

fn parse_proxy_mode(name: &str) -> Result<ProxyMode, String> {
    let mode = (!name.is_empty())
        .then(|| ProxyMode::from_name(name))
        .flatten();
    let names = ProxyMode::ALL.map(ProxyMode::name);
    mode.ok_or_else(|| format!("choose one of {}", names.join(", ")))
}

fn parse_port_range(text: &str) -> Result<(u16, u16), String> {
    let ports = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match ports {
        Some((first, last)) if 0 < first && first <= last => Ok((first, last)),
        _ => Err("expected two ports, the lower one first, as in 30000-32767".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn port_ranges_are_checked() {
        assert_eq!(parse_port_range("30000-32767"), Ok((30000, 32767)));
        for wrong in ["30000", "2-1", "0-5", "a-b", "1-70000"] {
            assert!(parse_port_range(wrong).is_err(), "{wrong}");
        }
    }
}
