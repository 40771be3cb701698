//! kube-proxy's flags on our command line.

use std::ffi::OsString;

use clap::builder::Str;
use clap::{Arg, ArgAction, ArgMatches, Command, Error};
use tidegate_proxy_config::{
    CommandLine, FLAGS, Flag, FlagError, FlagKind, WithConfig, in_plain_notation,
};

/// The program's arguments, with those of the command `proxy` as clap understands them: kube-proxy's
/// users write some of them in ways of Go's flag library.
pub(crate) fn plain_arguments(args: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let mut places = args.iter().enumerate().skip(1);
    let mut command = None;
    while let Some((place, arg)) = places.next() {
        match arg.as_encoded_bytes() {
            b"--log-format" => drop(places.next()),
            [b'-', ..] => {}
            _ => {
                command = Some(place);
                break;
            }
        }
    }
    if let Some(place) = command.filter(|place| args[*place] == "proxy") {
        let of_proxy = args.split_off(place + 1);
        args.extend(in_plain_notation(of_proxy));
    }
    args
}

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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn parsed(line: &str) -> Cli {
        let args = line.split(' ').map(OsString::from);
        Cli::try_parse_from(plain_arguments(args)).expect("is a command line")
    }

    #[test]
    fn kube_proxys_ways_to_write_flags_are_understood() {
        let plain =
            "tidegate proxy --proxy-mode=ipvs --v=4 --masquerade-all --cluster-cidr 10.0.0.0/8";
        for line in [
            plain,
            "tidegate proxy --proxy_mode=ipvs -v 4 --masquerade_all --cluster_cidr 10.0.0.0/8",
            "tidegate proxy --proxy_mode ipvs -v=4 --masquerade-all=true --cluster-cidr=10.0.0.0/8",
            "tidegate -v --log-format json proxy --proxy-mode ipvs -v4 --masquerade_all=1 --cluster_cidr=10.0.0.0/8",
        ] {
            let Command::Proxy(args) = parsed(line).command else {
                panic!("{line} is another command");
            };
            let line = args.command_line().expect(line);
            let config = line.complete(None).expect("fits together").config;
            assert_eq!(
                (config.mode.as_str(), config.logging.verbosity),
                ("ipvs", 4)
            );
            assert!(config.iptables.masquerade_all);
            assert_eq!(config.cluster_cidr, "10.0.0.0/8");
        }
        assert_eq!(parsed("tidegate proxy -vv").verbose, 2);
    }

    #[test]
    fn other_commands_arguments_stay_as_they_are() {
        let line = "tidegate get proxy --proxy_mode -v 2";
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        assert_eq!(plain_arguments(args.clone()), args);
    }
}
