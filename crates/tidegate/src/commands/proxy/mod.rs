//! `proxy`: in place of kube-proxy, with its flags, its configuration file and its manners.

mod file;
mod flags;
mod running;

use std::path::Path;

use anyhow::{Context, anyhow};
use tidegate_dataplane::DataplaneError;
use tidegate_modes::{ModeOptions, open_others};
use tidegate_proxy_config::{CommandLine, KubeProxyConfiguration, VersionFlag};

pub(crate) use flags::{ProxyArgs, plain_arguments};

use crate::cli::LogFormat;
use crate::exit::Failure;
use crate::logging::Log;
use crate::proxy::sysctls;
use crate::say;
use file::ConfigFile;

/// Reads flags and file, and does what they ask for.
///
/// # Errors
/// What is wrong with them, in upstream's words; or what kept the proxy from working.
pub(crate) async fn run(args: &ProxyArgs, log: Log) -> Result<(), Failure> {
    let line = args.command_line().map_err(Failure::bad_input)?;
    let mut warnings = Vec::new();
    let file = line
        .config_file
        .as_ref()
        .map(|path| ConfigFile::at(Path::new(path)));
    let config = joined(&line, file.as_ref(), &mut warnings)?;
    let log = log.with_verbosity(config.logging.verbosity);
    match config.logging.format.as_str() {
        "json" => Log {
            format: LogFormat::Json,
            ..log
        }
        .start(),
        _ => log.start(),
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    if line.version != VersionFlag::No {
        say!("Kubernetes v1.36, tidegate {}", env!("CARGO_PKG_VERSION"));
        return Ok(());
    }
    if let Some(path) = &line.write_config_to {
        let written = std::fs::write(path, config.encode());
        written.with_context(|| format!("{path} can't be written"))?;
        tracing::info!("wrote the configuration to {path}");
        return Ok(());
    }
    if line.cleanup {
        return cleanup();
    }
    config.validate().map_err(Failure::bad_input)?;
    if line.init_only {
        sysctls::set(&config);
        return Ok(());
    }
    running::run(line, config, file).await
}

/// Flags and file as one configuration, which may not be valid; what is only odd about it goes to
/// `warnings`.
fn joined(
    line: &CommandLine,
    file: Option<&ConfigFile>,
    warnings: &mut Vec<String>,
) -> Result<KubeProxyConfiguration, Failure> {
    let decoded = match file {
        Some(file) => Some(file.read(warnings).map_err(Failure::BadInput)?),
        None => None,
    };
    let completed = line.complete(decoded).map_err(Failure::bad_input)?;
    warnings.extend(completed.warnings);
    Ok(completed.config)
}

/// Removes what any mode may have left. What can't be removed doesn't stop the rest.
fn cleanup() -> Result<(), Failure> {
    let mut failures: Vec<String> = Vec::new();
    for mut mode in open_others(None, &ModeOptions::default()) {
        match mode.remove() {
            Ok(()) => tracing::info!(mode = mode.mode(), "nothing is left of the mode"),
            Err(error @ DataplaneError::NotPermitted { .. }) => {
                return Err(Failure::machine(error));
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    match failures.is_empty() {
        true => Ok(()),
        false => Err(Failure::Failed(anyhow!(
            "encountered an error while tearing down rules:\n  {}",
            failures.join("\n  ")
        ))),
    }
}
