//! Where the configuration comes from.

use std::path::PathBuf;

use anyhow::{Context, anyhow};
use tidegate_dns_config::{DnsConfig, Parsed, parse_corefile, parse_yaml};

use super::args::DnsArgs;
use super::corefile::FilesHere;

/// A file, or nothing but a domain.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Corefile(PathBuf),
    Yaml(PathBuf),
    Default { domain: String },
}

impl Source {
    pub(super) fn of(args: &DnsArgs) -> Self {
        match (&args.corefile, &args.config) {
            (Some(path), _) => Self::Corefile(path.clone()),
            (None, Some(path)) => Self::Yaml(path.clone()),
            (None, None) => Self::Default {
                domain: args.cluster_domain.clone(),
            },
        }
    }

    /// How messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Corefile(path) | Self::Yaml(path) => path.display().to_string(),
            Self::Default { domain } => format!("the configuration for {domain}"),
        }
    }

    /// Whether there is a file that can change.
    pub(super) fn is_file(&self) -> bool {
        !matches!(self, Self::Default { .. })
    }

    /// Reads it, with what is only odd about it.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(super) fn read(&self) -> anyhow::Result<Parsed> {
        let name = self.name();
        let text = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("{name} can't be read"))
        };
        let environment = |variable: &str| std::env::var(variable).ok();
        Ok(match self {
            Self::Corefile(path) => parse_corefile(&text(path)?, &name, &FilesHere, &environment)?,
            Self::Yaml(path) => parse_yaml(&text(path)?, &name)?,
            Self::Default { domain } => {
                let domain = domain
                    .parse()
                    .map_err(|error| anyhow!("--cluster-domain: {error}"))?;
                Parsed {
                    config: DnsConfig::default_for(&domain, &[]),
                    warnings: Vec::new(),
                }
            }
        })
    }
}
