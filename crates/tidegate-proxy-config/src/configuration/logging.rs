//! What is logged and how.

use serde::{Deserialize, Deserializer, Serialize};

use super::or_unset;
use crate::GoDuration;

/// What is logged and how (`logging`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoggingConfiguration {
    /// `text` or `json`.
    #[serde(
        deserialize_with = "or_unset",
        skip_serializing_if = "String::is_empty"
    )]
    pub format: String,
    /// How long a line may wait before it is written.
    #[serde(deserialize_with = "duration_or_nanoseconds")]
    pub flush_frequency: GoDuration,
    /// How much is logged; 0 is the least.
    #[serde(deserialize_with = "or_unset")]
    pub verbosity: u32,
    /// Other verbosities for single source files.
    #[serde(deserialize_with = "or_unset", skip_serializing_if = "Vec::is_empty")]
    pub vmodule: Vec<VerbosityOfFile>,
    /// What the formats can be told.
    #[serde(deserialize_with = "or_unset")]
    pub options: LoggingOptions,
}

/// The verbosity of some source files (`logging.vmodule[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct VerbosityOfFile {
    /// A file's name without folder and ending, or a pattern of such names.
    #[serde(deserialize_with = "or_unset")]
    pub file_pattern: String,
    /// Their verbosity.
    #[serde(deserialize_with = "or_unset")]
    pub verbosity: u32,
}

/// What the formats can be told (`logging.options`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LoggingOptions {
    /// For `text`.
    #[serde(deserialize_with = "or_unset")]
    pub text: LogOutputOptions,
    /// For `json`.
    #[serde(deserialize_with = "or_unset")]
    pub json: LogOutputOptions,
}

/// Where a format's lines go (`logging.options.text` and `.json`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogOutputOptions {
    /// Errors to standard error, everything else to standard output.
    #[serde(
        deserialize_with = "or_unset",
        skip_serializing_if = "std::ops::Not::not"
    )]
    pub split_stream: bool,
    /// How many bytes may wait in memory, as a Kubernetes quantity such as `512` or `4Ki`.
    #[serde(deserialize_with = "quantity")]
    pub info_buffer_size: String,
}

impl LogOutputOptions {
    /// Whether nothing may wait in memory.
    pub fn is_unbuffered(&self) -> bool {
        !self
            .info_buffer_size
            .bytes()
            .any(|byte| (b'1'..=b'9').contains(&byte))
    }
}

/// Upstream once wrote this field as a number of nanoseconds; kubeadm's files still do.
fn duration_or_nanoseconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<GoDuration, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a duration with its unit, as in \"5s\", or a number of nanoseconds"
    )]
    enum Written {
        Nanoseconds(i64),
        Text(GoDuration),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        None => GoDuration::ZERO,
        Some(Written::Nanoseconds(nanoseconds)) => GoDuration::from_nanoseconds(nanoseconds),
        Some(Written::Text(duration)) => duration,
    })
}

/// A quantity may be written as a number.
fn quantity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a quantity, as in \"4Ki\"")]
    enum Written {
        Number(serde_json::Number),
        Text(String),
    }
    Ok(match Option::<Written>::deserialize(deserializer)? {
        None => String::new(),
        Some(Written::Number(number)) => number.to_string(),
        Some(Written::Text(text)) => text,
    })
}
