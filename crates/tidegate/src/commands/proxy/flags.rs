//! kube-proxy's flags on our command line.

use clap::builder::Str;
use clap::{Arg, ArgAction, ArgMatches, Command, Error};
use tidegate_proxy_config::{CommandLine, FLAGS, Flag, FlagError, FlagKind, WithConfig};

/// The flags as they were typed, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProxyArgs {
    typed: Vec<(&'static str, String)>,
}

impl ProxyArgs {
    /// What the flags say.
    ///
    /// # Errors
    /// A value that its flag doesn't have.
    pub(crate) fn command_line(&self) -> Result<CommandLine, FlagError> {
        let mut line = CommandLine::default();
        for (name, value) in &self.typed {
            line.set(name, value)?;
        }
        Ok(line)
    }
}

impl clap::Args for ProxyArgs {
    fn augment_args(command: Command) -> Command {
        FLAGS
            .iter()
            .fold(command, |command, flag| command.arg(arg(flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ProxyArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        let mut placed: Vec<(usize, &'static str, String)> = Vec::new();
        for flag in FLAGS {
            let places = matches.indices_of(flag.name).into_iter().flatten();
            let values = matches.get_many::<String>(flag.name).into_iter().flatten();
            placed.extend(
                places
                    .zip(values)
                    .map(|(place, value)| (place, flag.name, value.clone())),
            );
        }
        placed.sort_unstable();
        let typed = placed.into_iter().map(|(_, name, value)| (name, value));
        self.typed.extend(typed);
        Ok(())
    }
}

fn arg(flag: &'static Flag) -> Arg {
    let arg = Arg::new(Str::from(flag.name))
        .long(flag.name)
        .help(help(flag))
        .value_name(value_name(flag.kind()))
        .action(ArgAction::Append);
    let arg = match flag.deprecated {
        Some(_) => arg.hide(true),
        None => arg,
    };
    match flag.kind() {
        FlagKind::Bool | FlagKind::Version => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        _ => arg.allow_hyphen_values(true),
    }
}

fn help(flag: &Flag) -> String {
    let mut help = flag.help.to_owned();
    if !flag.default.is_empty() {
        help.push_str(&format!(" [default: {}]", flag.default));
    }
    if flag.with_config == WithConfig::Counts && flag.name != "config" {
        help.push_str(" [counts with --config too]");
    }
    help
}

fn value_name(kind: FlagKind) -> &'static str {
    match kind {
        FlagKind::Text => "TEXT",
        FlagKind::Bool => "true|false",
        FlagKind::Number => "NUMBER",
        FlagKind::Decimal => "NUMBER",
        FlagKind::Duration => "DURATION",
        FlagKind::List => "ITEM,…",
        FlagKind::Address => "ADDRESS",
        FlagKind::AddressPort => "ADDRESS:PORT",
        FlagKind::BoolMap => "NAME=true|false,…",
        FlagKind::Verbosities => "PATTERN=NUMBER,…",
        FlagKind::Version => "true|false|raw",
    }
}
