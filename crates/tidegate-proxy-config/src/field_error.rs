//! What is wrong with single fields, in upstream's words.

use std::fmt;

/// More errors than this are counted instead of printed.
const MOST_SHOWN: usize = 100;

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field, as upstream names it: `KubeProxyConfiguration.BindAddress`.
    pub field: String,
    /// In what way it is wrong.
    pub problem: FieldProblem,
    /// What it should be.
    pub detail: String,
}

/// In what way a field is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldProblem {
    /// Its value can't be; texts are in quotes, everything else is as it is written in the file.
    Invalid(String),
    /// Its value is none of those that there are.
    Unsupported(String),
    /// It needs a value.
    Required,
    /// It can't be set together with the rest.
    Forbidden,
}

impl FieldError {
    /// A text that can't be.
    pub(crate) fn text(field: &str, value: &str, detail: &str) -> Self {
        Self::value(field, &format!("{value:?}"), detail)
    }

    /// Another value that can't be.
    pub(crate) fn value(field: &str, value: &dyn fmt::Display, detail: &str) -> Self {
        Self {
            field: field.to_owned(),
            problem: FieldProblem::Invalid(value.to_string()),
            detail: detail.to_owned(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, detail, .. } = self;
        match &self.problem {
            FieldProblem::Invalid(value) => write!(f, "{field}: Invalid value: {value}: {detail}"),
            FieldProblem::Unsupported(value) => {
                write!(f, "{field}: Unsupported value: {value}: {detail}")
            }
            FieldProblem::Required => write!(f, "{field}: Required value: {detail}"),
            FieldProblem::Forbidden => write!(f, "{field}: Forbidden: {detail}"),
        }
    }
}

/// All that is wrong with a configuration; never empty.
///
/// Printed as upstream prints it: one error as it is, several in brackets; but not all of very
/// many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldErrors(Vec<FieldError>);

impl FieldErrors {
    /// The errors, if there are any.
    pub(crate) fn unless_empty(errors: Vec<FieldError>) -> Result<(), Self> {
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Self(errors))
        }
    }

    /// The errors, in upstream's order.
    pub fn errors(&self) -> &[FieldError] {
        &self.0
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.0.iter().map(FieldError::to_string).collect();
        if let [only] = texts.as_slice() {
            return f.write_str(only);
        }
        let shown = &texts[..texts.len().min(MOST_SHOWN)];
        write!(f, "[{}", shown.join(", "))?;
        match texts.len() - shown.len() {
            0 => f.write_str("]"),
            more => write!(f, " and {more} more]"),
        }
    }
}

impl std::error::Error for FieldErrors {}
