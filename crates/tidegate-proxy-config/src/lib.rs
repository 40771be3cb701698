//! The configuration of kube-proxy: file, flags, defaults and validation.
//!
//! [`decode`] reads a `KubeProxyConfiguration` file, strictly first and leniently with a warning
//! where that fails. [`CommandLine`] takes the flags, which [`FLAGS`] lists for whoever builds a
//! command line, and joins them with a file as upstream does. [`KubeProxyConfiguration::validate`]
//! names all that is wrong in upstream's words, [`KubeProxyConfiguration::encode`] writes what
//! `--write-config-to` asks for, and [`changes`] tells what a new configuration means to a proxy
//! that runs. What the texts of a configuration mean, its methods tell: see
//! [`detect_local`](KubeProxyConfiguration::detect_local) and its neighbours.
//!
//! ```
//! use tidegate_proxy_config::{CommandLine, ProxyMode, decode};
//!
//! let mut command_line = CommandLine::default();
//! command_line.set("v", "2")?;
//! let file = decode(
//!     b"apiVersion: kubeproxy.config.k8s.io/v1alpha1\n\
//!       kind: KubeProxyConfiguration\n\
//!       mode: ipvs\n",
//! )?;
//! let completed = command_line.complete(Some(file.config))?;
//! completed.config.validate()?;
//! assert_eq!(completed.config.proxy_mode(), Some(ProxyMode::Ipvs));
//! assert_eq!(completed.config.logging.verbosity, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing here does I/O, reads a clock or looks at the machine.

mod address;
mod changes;
mod configuration;
mod decode;
mod defaults;
mod duration;
mod encode;
mod feature_gates;
mod field_error;
mod flags;
mod mode;
mod settings;
mod validate;
mod warnings;

pub use changes::{Change, Effect, changes};
pub use configuration::{
    API_VERSION, ClientConnectionConfiguration, ConntrackConfiguration, DetectLocalConfiguration,
    IptablesConfiguration, IpvsConfiguration, KIND, KubeProxyConfiguration, LogOutputOptions,
    LoggingConfiguration, LoggingOptions, NftablesConfiguration, TidegateConfiguration,
    UserspaceConfiguration, VerbosityOfFile, WinkernelConfiguration,
};
pub use decode::{DecodeError, Decoded, LARGEST_FILE, StrictError, decode};
pub use duration::{DurationError, GoDuration};
pub use field_error::{FieldError, FieldErrors, FieldProblem};
pub use flags::{
    CommandLine, CompleteError, Completed, FLAGS, Flag, FlagError, FlagKind, VersionFlag,
    WithConfig, in_plain_notation,
};
pub use mode::ProxyMode;
pub use settings::{DetectLocal, NodePortAddresses};
