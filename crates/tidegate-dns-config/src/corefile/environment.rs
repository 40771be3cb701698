//! Variables of the environment in a Corefile: `{$NAME}` and `{%NAME%}`.

use super::words::Word;
use crate::problem::{self, Warning};

/// The environment that a Corefile may refer to.
pub trait Env {
    /// The value of a variable, if it is set.
    fn variable(&self, name: &str) -> Option<String>;
}

/// An environment without variables.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEnv;

impl Env for NoEnv {
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }
}

impl<F: Fn(&str) -> Option<String>> Env for F {
    fn variable(&self, name: &str) -> Option<String> {
        self(name)
    }
}

/// Puts the values of variables in their places. A value is not looked through for more variables,
/// and no brace in it opens a block. Variables that aren't set are empty, as in CoreDNS.
pub(super) fn substitute(word: &mut Word, env: &dyn Env, warnings: &mut Vec<Warning>) {
    for (open, close) in [("{%", "%}"), ("{$", "}")] {
        if !word.text.contains(open) {
            continue;
        }
        let mut result = String::new();
        let mut rest = word.text.as_str();
        while let Some((before, after)) = rest.split_once(open) {
            let Some((name, behind)) = after.split_once(close).filter(|(name, _)| !name.is_empty())
            else {
                break;
            };
            result.push_str(before);
            match env.variable(name) {
                Some(value) => result.push_str(&value),
                None => problem::warn(
                    warnings,
                    word.at.place(),
                    format!("the environment variable {name:?} is not set; it is empty here"),
                ),
            }
            rest = behind;
            word.literal = true;
        }
        result.push_str(rest);
        word.text = result;
    }
}
