//! The tidegate binary: command line, wiring, exit codes.

mod cli;
mod commands;
mod connection;
mod demo;
mod exit;
mod interrupt;
mod logging;
mod output;
mod proxy;
mod render;
mod up;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::commands::proxy::plain_arguments;
use crate::exit::Failure;
use crate::logging::Log;

fn main() -> ExitCode {
    // Pods are this same program, started again inside their namespaces; there it must do nothing
    // of what follows.
    if let Some(code) = tidegate_node::internal::main(std::env::args_os()) {
        return code;
    }
    let cli = Cli::parse_from(plain_arguments(std::env::args_os()));
    let log = Log {
        verbose: cli.verbose,
        format: cli.log_format,
    };
    match run(cli.command, log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure);
            failure.code()
        }
    }
}

#[tokio::main]
async fn run(command: Command, log: Log) -> Result<(), Failure> {
    // The proxy's configuration says how it logs, so that is read first.
    if !matches!(command, Command::Proxy(_)) {
        log.start();
    }
    match command {
        Command::Proxy(args) => commands::proxy::run(&args, log).await,
        Command::Dns(args) => commands::dns::run(args).await,
        Command::Up(args) => up::run(args, interrupt::token()?).await,
        Command::Demo(args) => demo::run(args, interrupt::token()?).await,
        Command::Apply(args) => commands::objects::run_apply(args).await,
        Command::Get(args) => commands::objects::run_get(args).await,
        Command::Delete(args) => commands::objects::run_delete(args).await,
        Command::Exec(args) => commands::exec::run(args).await,
        Command::Logs(args) => commands::objects::run_logs(args).await,
        Command::Render(args) => commands::render::run(&args),
        Command::Cleanup(args) => commands::cleanup::run(&args).await,
        Command::Version => {
            say!("tidegate {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
    }
}
