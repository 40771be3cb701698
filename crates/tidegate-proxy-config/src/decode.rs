//! Reading the file.

use std::fmt;

use serde::Deserialize;
use serde_ignored::Path;
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::configuration::{API_VERSION, KIND, KubeProxyConfiguration};

/// The largest file that is read, in bytes: as much as a ConfigMap holds.
pub const LARGEST_FILE: usize = 1024 * 1024;

/// Deeper than any configuration, and no danger to the stack.
const DEEPEST: usize = 64;

/// More fields than this in one file are not all named.
const MOST_NAMED: usize = 20;

/// A file that could be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// What it says, with the defaults set.
    pub config: KubeProxyConfiguration,
    /// Why it had to be read leniently; to be logged as a warning.
    pub lenient: Option<StrictError>,
}

/// Why a file can't be read strictly; upstream logs it behind "Using lenient decoding as strict
/// decoding failed". It can be read still: fields that nobody knows are passed
/// over, and of a field that is there twice the last one counts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct StrictError {
    /// What is wrong, as in `unknown field "iptables.bit"`.
    pub problems: Vec<String>,
}

impl fmt::Display for StrictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.problems[..self.problems.len().min(MOST_NAMED)];
        write!(f, "strict decoding error: {}", shown.join(", "))?;
        match self.problems.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Why a file can't be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It is too large.
    #[error("failed to decode: {bytes} bytes are more than the {LARGEST_FILE} that are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is no YAML, which includes JSON.
    #[error("failed to decode: not valid YAML: {reason}")]
    NotYaml {
        /// Why, and in which line.
        reason: String,
    },
    /// `kind` or `apiVersion` is missing, or it is no object at all.
    #[error(
        "failed to decode: {missing} is missing: expected apiVersion: {API_VERSION} and kind: {KIND}"
    )]
    NoType {
        /// The field.
        missing: &'static str,
    },
    /// It is an object of another kind.
    #[error(
        "failed to decode: no kind {kind:?} is registered for version {api_version:?}: \
         expected apiVersion: {API_VERSION} and kind: {KIND}"
    )]
    OtherType {
        /// What it says it is.
        kind: String,
        /// Of which version.
        api_version: String,
    },
    /// A field has a value of another type than it should.
    #[error("failed to decode: {field}: {reason}")]
    WrongValue {
        /// The field, as in `iptables.masqueradeBit`.
        field: String,
        /// What was found and what is expected.
        reason: String,
    },
}

/// Reads a file: one document of YAML or JSON.
///
/// # Errors
/// It can't be read, even leniently. The result is not [validated](KubeProxyConfiguration::validate).
pub fn decode(file: &[u8]) -> Result<Decoded, DecodeError> {
    if file.len() > LARGEST_FILE {
        return Err(DecodeError::TooLarge { bytes: file.len() });
    }
    let mut problems = Vec::new();
    let mut tree = match parse(file, DuplicateKeyPolicy::Error) {
        Ok(tree) => tree,
        Err(error) => match duplicate_field(&error) {
            Some(field) => {
                problems.push(format!("duplicate field {field:?}"));
                parse(file, DuplicateKeyPolicy::LastWins).map_err(not_yaml)?
            }
            None => return Err(not_yaml(error)),
        },
    };
    take_type(&mut tree)?;
    let mut config = typed(tree, &mut problems)?;
    config.set_defaults();
    let lenient = (!problems.is_empty()).then_some(StrictError { problems });
    Ok(Decoded { config, lenient })
}

fn parse(file: &[u8], duplicate_keys: DuplicateKeyPolicy) -> Result<Value, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEEPEST },
        duplicate_keys: duplicate_keys,
        with_snippet: false,
    };
    serde_saphyr::from_slice_with_options(file, options)
}

fn duplicate_field(error: &serde_saphyr::Error) -> Option<String> {
    match error {
        serde_saphyr::Error::DuplicateMappingKey { key, .. } => {
            Some(key.clone().unwrap_or_default())
        }
        _ => None,
    }
}

fn not_yaml(error: serde_saphyr::Error) -> DecodeError {
    let text = error.without_snippet().to_string();
    DecodeError::NotYaml {
        reason: text.lines().next().unwrap_or_default().trim().to_owned(),
    }
}

/// Checks what kind of object it is, and leaves the rest of the fields.
fn take_type(tree: &mut Value) -> Result<(), DecodeError> {
    let mut text = |field: &'static str| {
        let value = tree.as_object_mut().and_then(|fields| fields.remove(field));
        match value {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            _ => Err(DecodeError::NoType { missing: field }),
        }
    };
    let (kind, api_version) = (text("kind")?, text("apiVersion")?);
    if kind != KIND || api_version != API_VERSION {
        return Err(DecodeError::OtherType { kind, api_version });
    }
    Ok(())
}

fn typed(tree: Value, problems: &mut Vec<String>) -> Result<KubeProxyConfiguration, DecodeError> {
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(tree, &mut track);
    let mut unknown = |path: Path<'_>| problems.push(format!("unknown field {:?}", dotted(&path)));
    let watched = serde_ignored::Deserializer::new(tracked, &mut unknown);
    KubeProxyConfiguration::deserialize(watched).map_err(|error| DecodeError::WrongValue {
        field: track.path().to_string(),
        reason: error.to_string(),
    })
}

/// A path as upstream writes it: `logging.vmodule[0].pattern`.
fn dotted(path: &Path<'_>) -> String {
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, index } => format!("{}[{index}]", dotted(parent)),
        Path::Map { parent, key } => match dotted(parent) {
            parent if parent.is_empty() => key.clone(),
            parent => format!("{parent}.{key}"),
        },
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => dotted(parent),
    }
}
