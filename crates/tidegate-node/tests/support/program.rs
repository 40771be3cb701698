//! The program that the tests of this crate start again for its internal roles.

use std::process::ExitCode;

fn main() -> ExitCode {
    tidegate_node::internal::main(std::env::args_os()).unwrap_or(ExitCode::from(64))
}
