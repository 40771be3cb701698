//! kube-proxy's flags, as a table that a command line can be built from.

mod command_line;
mod notation;
mod table;
mod value;

pub use command_line::{CommandLine, CompleteError, Completed, FlagError, VersionFlag};
pub use notation::in_plain_notation;
pub use table::FLAGS;
pub use value::FlagKind;

use value::Setter;

/// One flag of kube-proxy.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Its name without the dashes.
    pub name: &'static str,
    /// Its name as a single letter.
    pub short: Option<char>,
    /// What it does, in a sentence or a few.
    pub help: &'static str,
    /// Its value when it is not given, as it would be given; empty for none.
    pub default: &'static str,
    /// What to use instead, for a flag that will go away.
    pub deprecated: Option<&'static str>,
    /// What becomes of it when there is a configuration file.
    pub with_config: WithConfig,
    setter: Setter,
}

/// What becomes of a flag when there is a configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithConfig {
    /// It is ignored: the file decides.
    Ignored,
    /// It counts, over what the file says.
    Counts,
}

impl Flag {
    /// The flag of this name. Underscores count as dashes, as upstream.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.replace('_', "-");
        FLAGS
            .iter()
            .find(|flag| flag.name == name || flag.short.is_some_and(|c| name == c.to_string()))
    }

    /// The flag of this letter.
    pub(crate) fn by_letter(letter: char) -> Option<&'static Self> {
        FLAGS.iter().find(|flag| flag.short == Some(letter))
    }

    /// What kind of value it takes.
    pub fn kind(&self) -> FlagKind {
        self.setter.kind()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_can_be_found_and_is_explained() {
        for flag in FLAGS {
            let found = Flag::find(flag.name).expect("is in the table");
            assert!(std::ptr::eq(found, flag), "{} is there twice", flag.name);
            assert!(flag.help.ends_with('.'), "{}", flag.name);
        }
        assert_eq!(
            Flag::find("masquerade_all").map(|flag| flag.name),
            Some("masquerade-all")
        );
        assert!(Flag::find("masquerade").is_none());
    }

    #[test]
    fn every_default_is_what_holds_without_the_flag() {
        let untouched = CommandLine::default();
        for flag in FLAGS.iter().filter(|flag| !flag.default.is_empty()) {
            let mut set = CommandLine::default();
            set.set(flag.name, flag.default).expect(flag.name);
            assert!(
                set.says_the_same_as(&untouched),
                "--{}={}",
                flag.name,
                flag.default
            );
        }
    }
}
