//! The verdict on an object that may not be stored.

use std::fmt;

use super::Cause;
use super::cause::quoted;

/// An object that may not be stored, with every reason that was found.
///
/// The API server answers it with HTTP 422, reason `Invalid`, this `Display` as the message, and
/// the causes in `details.causes`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct Invalid {
    /// The API group of the kind; empty for the core group.
    pub group: String,
    /// The kind, such as `Service`.
    pub kind: String,
    /// The object's name; empty if the server was to generate it.
    pub name: String,
    /// One entry for each fault, in the order in which the checks ran.
    pub causes: Vec<Cause>,
}

impl Invalid {
    /// Turns the causes that the checks of one object collected into a verdict.
    ///
    /// # Errors
    /// Returns the [`Invalid`] if there is at least one cause.
    pub fn unless_empty(
        (group, kind): (&str, &str),
        name: Option<&str>,
        causes: Vec<Cause>,
    ) -> Result<(), Self> {
        if causes.is_empty() {
            return Ok(());
        }
        Err(Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            name: name.unwrap_or_default().to_owned(),
            causes,
        })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        write!(f, " {} is invalid: ", quoted(&self.name))?;
        // Upstream prints a message that several checks gave only once.
        let mut messages: Vec<String> = Vec::new();
        for cause in &self.causes {
            let message = cause.to_string();
            if !messages.contains(&message) {
                messages.push(message);
            }
        }
        match messages.as_slice() {
            [only] => f.write_str(only),
            several => write!(f, "[{}]", several.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::FieldPath;

    #[test]
    fn one_cause_stands_alone_and_several_are_listed_once_each() {
        let path = FieldPath::root("spec").child("replicas");
        let cause = Cause::invalid(&path, -1, "must be greater than or equal to 0");
        let one = Invalid {
            group: "apps".into(),
            kind: "Deployment".into(),
            name: "web".into(),
            causes: vec![cause.clone()],
        };
        assert_eq!(
            one.to_string(),
            "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: \
             must be greater than or equal to 0"
        );
        let required = Cause::required(&path.child("x").index(2).key("k"), "");
        let several = Invalid {
            causes: vec![cause.clone(), required, cause],
            ..one
        };
        assert_eq!(
            several.to_string(),
            "Deployment.apps \"web\" is invalid: [spec.replicas: Invalid value: -1: must be \
             greater than or equal to 0, spec.replicas.x[2][k]: Required value]"
        );
    }
}
