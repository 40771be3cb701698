//! The command line: flags as they were given, joined with a file as upstream does.

use std::collections::HashSet;

use crate::defaults::{HEALTHZ_PORT, METRICS_PORT};
use crate::flags::{Flag, WithConfig};
use crate::{FieldErrors, KubeProxyConfiguration};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct CommandLine {
    /// `--config`: the configuration file.
    pub config_file: Option<String>,
    /// `--write-config-to`: write the configuration to this file and end.
    pub write_config_to: Option<String>,
    /// `--cleanup`: remove all rules and end.
    pub cleanup: bool,
    /// `--init-only`: do what only root can do and end.
    pub init_only: bool,
    /// `--version`.
    pub version: VersionFlag,
    /// `--master`: the API server's address, instead of the kubeconfig's.
    pub master: Option<String>,
    pub(super) hostname_override: String,
    pub(super) healthz_port: i32,
    pub(super) metrics_port: i32,
    /// What the flags say that the file could say too; its defaults are set.
    pub(super) config: KubeProxyConfiguration,
    given: Vec<(&'static Flag, String)>,
}

/// Whether and how to print the version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionFlag {
    /// Don't.
    #[default]
    No,
    /// In a line for people.
    Short,
    /// In full.
    Raw,
}

/// A flag that can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlagError {
    /// There is no such flag.
    #[error("unknown flag: --{name}")]
    Unknown {
        /// Its name.
        name: String,
    },
    /// It has no such value.
    #[error("invalid argument {value:?} for \"--{name}\" flag: {reason}")]
    Invalid {
        /// Its name.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Flags and file that can't be joined.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CompleteError {
    /// The node's name was given, as nothing but blanks.
    #[error(
        "empty hostname-override is invalid: leave --hostname-override away to use the host's name"
    )]
    EmptyHostname,
    /// A flag of the command line doesn't fit to the file.
    #[error(transparent)]
    Flag(#[from] FlagError),
    /// What came out of it is not valid.
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
}

/// Flags and file, joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Completed {
    /// What to work by; not [validated](KubeProxyConfiguration::validate) yet.
    pub config: KubeProxyConfiguration,
    /// What is worth a line in the log about the flags.
    pub warnings: Vec<String>,
}

impl Default for CommandLine {
    fn default() -> Self {
        Self {
            config_file: None,
            write_config_to: None,
            cleanup: false,
            init_only: false,
            version: VersionFlag::No,
            master: None,
            hostname_override: String::new(),
            healthz_port: HEALTHZ_PORT.into(),
            metrics_port: METRICS_PORT.into(),
            config: KubeProxyConfiguration::with_defaults(),
            given: Vec::new(),
        }
    }
}

impl CommandLine {
    /// Takes a flag, in the order of the command line. A flag that stands alone there has the
    /// value `true`.
    ///
    /// # Errors
    /// There is no such flag, or it has no such value; nothing is changed then.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), FlagError> {
        let flag = Flag::find(name).ok_or_else(|| FlagError::Unknown {
            name: name.to_owned(),
        })?;
        self.apply(flag, value)?;
        self.given.push((flag, value.to_owned()));
        Ok(())
    }

    /// The flags that were given, in their order, for `/flagz`.
    pub fn given(&self) -> Vec<(String, String)> {
        let given = self.given.iter();
        given
            .map(|(flag, value)| (flag.name.to_owned(), value.clone()))
            .collect()
    }

    fn apply(&mut self, flag: &'static Flag, value: &str) -> Result<(), FlagError> {
        flag.setter
            .set(self, value)
            .map_err(|reason| FlagError::Invalid {
                name: flag.name,
                value: value.to_owned(),
                reason,
            })
    }

    /// Joins the flags with what `--config` names, as upstream does: with a file, only the flags
    /// marked [`WithConfig::Counts`] do. To be called again, with the same flags, whenever the
    /// file has changed.
    ///
    /// # Errors
    /// The node's name is blank, or the log's flags don't fit to the file.
    pub fn complete(
        &self,
        file: Option<KubeProxyConfiguration>,
    ) -> Result<Completed, CompleteError> {
        let mut warnings = self.deprecations();
        let mut config = match file {
            Some(file) => {
                warnings.extend(self.ignored());
                self.over(file)?
            }
            None => self.with_ports(),
        };
        if !self.hostname_override.is_empty() {
            let name = self.hostname_override.trim();
            if name.is_empty() {
                return Err(CompleteError::EmptyHostname);
            }
            config.hostname_override = name.to_lowercase();
        }
        Ok(Completed { config, warnings })
    }

    /// The file, with the log's flags over it.
    fn over(&self, file: KubeProxyConfiguration) -> Result<KubeProxyConfiguration, FlagError> {
        let mut joined = Self {
            config: file,
            ..Self::default()
        };
        // Of verbosities for single files, the first that fits counts.
        let of_file = std::mem::take(&mut joined.config.logging.vmodule);
        for (flag, value) in self.counting() {
            joined.apply(flag, value)?;
        }
        joined.config.logging.vmodule.extend(of_file);
        Ok(joined.config)
    }

    /// The flags' configuration, with the ports that have flags of their own. A port of 0 turns
    /// its server off.
    fn with_ports(&self) -> KubeProxyConfiguration {
        let mut config = self.config.clone();
        if self.write_config_to.is_none() {
            for (port, address) in [
                (self.healthz_port, &mut config.healthz_bind_address),
                (self.metrics_port, &mut config.metrics_bind_address),
            ] {
                *address = match u16::try_from(port) {
                    Ok(0) => String::new(),
                    Ok(port) => crate::address::with_port(address, port),
                    // Validation names what is no port.
                    Err(_) => format!("{address}:{port}"),
                };
            }
        }
        config
    }

    fn counting(&self) -> impl Iterator<Item = (&'static Flag, &str)> {
        let counts = |flag: &Flag| flag.with_config == WithConfig::Counts;
        let given = self.given.iter().filter(move |(flag, _)| counts(flag));
        given.map(|(flag, value)| (*flag, value.as_str()))
    }

    fn ignored(&self) -> Option<String> {
        let mut names: Vec<String> = self
            .given
            .iter()
            .filter(|(flag, _)| flag.with_config == WithConfig::Ignored)
            .map(|(flag, _)| format!("--{}", flag.name))
            .collect();
        let mut seen = HashSet::new();
        names.retain(|name| seen.insert(name.clone()));
        (!names.is_empty()).then(|| {
            format!(
                "ignored because there is a configuration file: {}",
                names.join(", ")
            )
        })
    }

    fn deprecations(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for (flag, _) in &self.given {
            if let Some(instead) = flag.deprecated {
                warnings.push(format!(
                    "Flag --{} has been deprecated, {instead}",
                    flag.name
                ));
            }
        }
        warnings.dedup();
        warnings
    }

    /// Whether two command lines come to the same, however it was said.
    #[cfg(test)]
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let plain = |line: &Self| {
            format!(
                "{:?}",
                Self {
                    given: Vec::new(),
                    ..line.clone()
                }
            )
        };
        plain(self) == plain(other)
    }
}
