//! Regular expressions.

use regex::RegexBuilder;

/// The most memory that an expression may take up when it is made ready, in bytes.
const LARGEST: usize = 256 * 1024;

/// The most regular expressions that a configuration may have.
pub(crate) const MOST: usize = 1000;

/// How deep the groups of an expression may go.
const DEEPEST: u32 = 50;

/// How many groups an expression has.
///
/// # Errors
/// It is none, or too large; the text says which.
pub(crate) fn groups(pattern: &str) -> Result<usize, String> {
    let built = RegexBuilder::new(pattern)
        .size_limit(LARGEST)
        .nest_limit(DEEPEST)
        .build();
    match built {
        Ok(expression) => Ok(expression.captures_len() - 1),
        Err(regex::Error::CompiledTooBig(_)) => Err(format!(
            "the regular expression {pattern:?} is too large; write a simpler one"
        )),
        // The message draws the expression with a mark below; its last line says what is wrong.
        Err(error) => {
            let text = error.to_string();
            let reason = text.lines().last().unwrap_or_default();
            let reason = reason.trim().trim_start_matches("error: ");
            Err(format!(
                "{pattern:?} is no regular expression: {reason}; correct it"
            ))
        }
    }
}

/// Checks that a replacement uses only groups that the expression has, as in `{1}`.
///
/// # Errors
/// The expression is none, or the replacement uses more.
pub(crate) fn check_replacement(pattern: &str, replacement: &str) -> Result<(), String> {
    let most = groups(pattern)?;
    let used = (0..=100).filter(|group| replacement.contains(&format!("{{{group}}}")));
    match used.max() {
        Some(group) if group > most => Err(format!(
            "{replacement:?} uses group {group}, but {pattern:?} has {most}; add parentheses"
        )),
        _ => Ok(()),
    }
}
