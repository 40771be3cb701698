//! `dns`: in place of CoreDNS, with its Corefile, in any cluster.

mod args;
mod cluster;
mod corefile;
mod running;
mod source;

use anyhow::Context;
use tidegate_dns_config::{Parsed, Warning, write_yaml};

pub(crate) use args::DnsArgs;

use crate::exit::Failure;
use crate::say;
use source::Source;

/// Reads the configuration, and does what the flags ask for.
///
/// # Errors
/// What is wrong with the configuration, all of it; or what kept the server from working.
pub(crate) async fn run(args: DnsArgs) -> Result<(), Failure> {
    let source = Source::of(&args);
    let Parsed { config, warnings } = source.read().map_err(Failure::BadInput)?;
    tell(&warnings);
    if args.check {
        say!(
            "{}: {} server blocks, nothing wrong",
            source.name(),
            config.servers.len()
        );
        return Ok(());
    }
    if let Some(path) = &args.write_config_to {
        let written = std::fs::write(path, write_yaml(&config));
        written.with_context(|| format!("{} can't be written", path.display()))?;
        tracing::info!("wrote the configuration to {}", path.display());
        return Ok(());
    }
    running::run(&args, source, config).await
}

/// Says what is only odd about a configuration.
fn tell(warnings: &[Warning]) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}
