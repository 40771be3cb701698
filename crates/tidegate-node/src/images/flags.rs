//! Flags as Go programs take them: `-port 80`, `--port=80`, `--tcp`. Pure.

use std::collections::HashMap;

use thiserror::Error;

/// A command line that the program does not understand.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum FlagError {
    #[error("unknown flag: {0}")]
    Unknown(String),
    #[error("flag needs an argument: {0}")]
    Missing(String),
    #[error("invalid value {value:?} for flag {flag}")]
    Invalid { flag: String, value: String },
    #[error("unexpected argument {0:?}")]
    Unexpected(String),
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// True when it stands alone; `=false` turns it off.
    Switch,
    /// The next word or what follows `=`.
    Value,
}

/// The flags of one command line.
#[derive(Debug)]
pub(super) struct Flags {
    given: HashMap<&'static str, String>,
}

impl Flags {
    pub(super) fn parse(
        args: &[String],
        known: &[(&'static str, Kind)],
    ) -> Result<Self, FlagError> {
        let mut given = HashMap::new();
        let mut args = args.iter();
        while let Some(argument) = args.next() {
            let Some(flag) = argument
                .strip_prefix("--")
                .or_else(|| argument.strip_prefix('-'))
            else {
                return Err(FlagError::Unexpected(argument.clone()));
            };
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            let (name, kind) = known
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| FlagError::Unknown(argument.clone()))?;
            let value = match (value, kind) {
                (Some(value), _) => value,
                (None, Kind::Switch) => "true".to_owned(),
                (None, Kind::Value) => args
                    .next()
                    .cloned()
                    .ok_or_else(|| FlagError::Missing(argument.clone()))?,
            };
            given.insert(*name, value);
        }
        Ok(Self { given })
    }

    pub(super) fn get<T: std::str::FromStr>(&self, flag: &str, default: T) -> Result<T, FlagError> {
        match self.given.get(flag) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|_| FlagError::Invalid {
                flag: flag.to_owned(),
                value: value.clone(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(u16, bool), FlagError> {
        let args: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        let flags = Flags::parse(&args, &[("port", Kind::Value), ("tcp", Kind::Switch)])?;
        Ok((flags.get("port", 9376)?, flags.get("tcp", false)?))
    }

    #[test]
    fn the_forms_of_go_programs() {
        assert_eq!(parse(""), Ok((9376, false)));
        assert_eq!(parse("-port 80 -tcp"), Ok((80, true)));
        assert_eq!(parse("--port=80 --tcp=false"), Ok((80, false)));
        assert_eq!(parse("--tcp=true"), Ok((9376, true)));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(
            parse("--prot=80"),
            Err(FlagError::Unknown("--prot=80".to_owned()))
        );
        assert_eq!(
            parse("--port"),
            Err(FlagError::Missing("--port".to_owned()))
        );
        assert_eq!(
            parse("stray"),
            Err(FlagError::Unexpected("stray".to_owned()))
        );
        assert!(matches!(
            parse("--port=many"),
            Err(FlagError::Invalid { .. })
        ));
    }
}
