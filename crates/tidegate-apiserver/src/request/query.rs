//! Query parameters, as each verb reads them.
//!
//! Parameters that this server does not know are ignored, as upstream does.

use axum::extract::Query;
use http::Uri;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::error::ApiError;

/// Parameters of get, list, watch and delete-collection.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListOptions {
    pub(crate) label_selector: Option<String>,
    pub(crate) field_selector: Option<String>,
    #[serde(deserialize_with = "truth")]
    pub(crate) watch: bool,
    #[serde(deserialize_with = "truth")]
    pub(crate) allow_watch_bookmarks: bool,
    #[serde(deserialize_with = "optional_truth")]
    pub(crate) send_initial_events: Option<bool>,
    pub(crate) resource_version: Option<String>,
    pub(crate) resource_version_match: Option<String>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) limit: Option<usize>,
    #[serde(rename = "continue")]
    pub(crate) continue_token: Option<String>,
    /// For Tables: which part of each object rides along (`None`, `Metadata`, `Object`).
    pub(crate) include_object: Option<String>,
}

/// Parameters of create, update and patch.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct WriteOptions {
    dry_run: Option<String>,
    field_validation: Option<String>,
}

/// What happens to fields that the kind does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// How an object shall go: the same fields come in the query and in the body of a DELETE.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_period_seconds: Option<i64>,
    pub(crate) propagation_policy: Option<String>,
    #[serde(deserialize_with = "optional_truth")]
    pub(crate) orphan_dependents: Option<bool>,
    #[serde(deserialize_with = "one_or_many")]
    pub(crate) dry_run: Option<String>,
    pub(crate) preconditions: Option<Preconditions>,
}

/// What must still be true of the object when it is deleted.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Preconditions {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// Parameters of `pods/log`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LogQuery {
    pub(crate) container: Option<String>,
    #[serde(deserialize_with = "truth")]
    pub(crate) follow: bool,
    #[serde(deserialize_with = "truth")]
    pub(crate) previous: bool,
    #[serde(deserialize_with = "truth")]
    pub(crate) timestamps: bool,
    pub(crate) since_seconds: Option<u64>,
    pub(crate) since_time: Option<String>,
    pub(crate) tail_lines: Option<u64>,
    pub(crate) limit_bytes: Option<u64>,
}

/// Parameters of `pods/exec`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ExecQuery {
    pub(crate) container: Option<String>,
    /// One parameter for each word.
    pub(crate) command: Vec<String>,
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) tty: bool,
}

impl ListOptions {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        parse(uri)
    }
}

impl WriteOptions {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        parse(uri)
    }

    /// Whether the change is only tried.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        dry_run(self.dry_run.as_deref())
    }

    /// `Warn` unless asked otherwise, as since Kubernetes 1.25.
    pub(crate) fn field_validation(&self) -> Result<FieldValidation, ApiError> {
        match self.field_validation.as_deref() {
            None | Some("") | Some("Warn") => Ok(FieldValidation::Warn),
            Some("Strict") => Ok(FieldValidation::Strict),
            Some("Ignore") => Ok(FieldValidation::Ignore),
            Some(other) => Err(ApiError::BadRequest(format!(
                "fieldValidation: Unsupported value: {other:?}: supported values: \"Ignore\", \"Strict\", \"Warn\""
            ))),
        }
    }
}

impl DeleteOptions {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        parse(uri)
    }

    /// Takes what the body says, and what the query says where the body is silent.
    pub(crate) fn or(self, query: Self) -> Self {
        Self {
            grace_period_seconds: self.grace_period_seconds.or(query.grace_period_seconds),
            propagation_policy: self.propagation_policy.or(query.propagation_policy),
            orphan_dependents: self.orphan_dependents.or(query.orphan_dependents),
            dry_run: self.dry_run.or(query.dry_run),
            preconditions: self.preconditions.or(query.preconditions),
        }
    }

    /// Whether the deletion is only tried.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        dry_run(self.dry_run.as_deref())
    }
}

impl LogQuery {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        parse(uri)
    }
}

impl ExecQuery {
    pub(crate) fn of(uri: &Uri) -> Result<Self, ApiError> {
        let pairs: Vec<(String, String)> = parse(uri)?;
        let mut query = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "container" => query.container = Some(value),
                "command" => query.command.push(value),
                "stdin" => query.stdin = is_true(&value),
                "stdout" => query.stdout = is_true(&value),
                "stderr" => query.stderr = is_true(&value),
                "tty" => query.tty = is_true(&value),
                _ => {}
            }
        }
        Ok(query)
    }
}

fn dry_run(value: Option<&str>) -> Result<bool, ApiError> {
    match value {
        None | Some("") => Ok(false),
        Some("All") => Ok(true),
        Some(other) => Err(ApiError::BadRequest(format!(
            "dryRun: Unsupported value: {other:?}: supported values: \"All\""
        ))),
    }
}

fn parse<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiError> {
    Query::try_from_uri(uri)
        .map(|Query(options)| options)
        .map_err(|error| ApiError::BadRequest(format!("invalid query parameters: {error}")))
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(optional_truth(deserializer)?.unwrap_or(false))
}

/// Go's query decoding takes `1`, `t`, `true` and their kin; a bare `?watch` is true as well.
/// In JSON bodies the same field is a boolean.
fn optional_truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Boolean(bool),
        Text(String),
        Nothing(()),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Boolean(value) => Some(value),
        Either::Text(text) => Some(is_true(&text)),
        Either::Nothing(()) => None,
    })
}

fn is_true(text: &str) -> bool {
    !matches!(text, "0" | "f" | "F" | "false" | "False" | "FALSE")
}

/// `dryRun` is a list in bodies and a plain parameter in queries.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        One(String),
        Many(Vec<String>),
        Nothing(()),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::One(value) => Some(value),
        Either::Many(values) => values.into_iter().next(),
        Either::Nothing(()) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().expect("a URI")
    }

    #[test]
    fn booleans_are_read_as_go_reads_them() {
        for (query, wanted) in [
            ("watch=true", true),
            ("watch=1", true),
            ("watch", true),
            ("watch=0", false),
            ("", false),
        ] {
            let options = ListOptions::of(&uri(&format!("/api?{query}"))).expect(query);
            assert_eq!(options.watch, wanted, "{query}");
        }
    }

    #[test]
    fn delete_options_come_from_body_and_query() {
        let query = DeleteOptions::of(&uri("/x?gracePeriodSeconds=5&propagationPolicy=Orphan"))
            .expect("query");
        let body: DeleteOptions = serde_json::from_str(
            r#"{"kind":"DeleteOptions","gracePeriodSeconds":0,"dryRun":["All"]}"#,
        )
        .expect("body");
        let both = body.or(query);
        assert_eq!(both.grace_period_seconds, Some(0));
        assert_eq!(both.propagation_policy.as_deref(), Some("Orphan"));
        assert!(both.dry_run().expect("dry run"));
    }

    #[test]
    fn a_command_comes_word_by_word() {
        let query =
            "/x?command=sh&command=-c&command=echo+a%26b&stdin=true&tty=0&container=c&new=1";
        assert_eq!(
            ExecQuery::of(&uri(query)).expect("query"),
            ExecQuery {
                container: Some("c".to_owned()),
                command: ["sh", "-c", "echo a&b"].map(str::to_owned).to_vec(),
                stdin: true,
                ..ExecQuery::default()
            }
        );
    }

    #[test]
    fn nonsense_is_a_bad_request() {
        assert!(matches!(
            ListOptions::of(&uri("/api?limit=many")),
            Err(ApiError::BadRequest(_))
        ));
    }
}
