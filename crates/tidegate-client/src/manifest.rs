//! Manifests: files of YAML or JSON documents, each an API object.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// An API object with the place that it was read from.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Where it stands.
    pub place: Place,
    /// `apiVersion`.
    pub api_version: String,
    /// `kind`.
    pub kind: String,
    /// The whole object.
    pub object: Value,
}

/// A file and a line in it, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file; `-` for standard input.
    pub file: PathBuf,
    /// The line that the document begins at, or that an error was found at.
    pub line: usize,
}

impl Manifest {
    /// The object's name, or the beginning of it for one that the server names.
    pub fn name(&self) -> &str {
        let name = |field| self.object.pointer(field).and_then(Value::as_str);
        name("/metadata/name")
            .or_else(|| name("/metadata/generateName"))
            .unwrap_or_default()
    }

    /// The namespace that the manifest itself names.
    pub fn namespace(&self) -> Option<&str> {
        self.object
            .pointer("/metadata/namespace")
            .and_then(Value::as_str)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.line)
    }
}

/// Why a manifest could not be read. Nothing of any file is used then.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A file could not be read.
    #[error("{}: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A document is not YAML, or not JSON.
    #[error("{place}: not valid YAML: {reason}")]
    Malformed {
        /// The file and line of the mistake.
        place: Place,
        /// What the parser met.
        reason: String,
    },
    /// A document is not an API object.
    #[error(
        "{place}: {missing} is missing: every document needs apiVersion, kind and metadata.name"
    )]
    NotAnObject {
        /// The file and first line of the document.
        place: Place,
        /// The field.
        missing: &'static str,
    },
    /// Files were read, but no document was in them.
    #[error("no objects in {files}")]
    Nothing {
        /// The files, separated by commas.
        files: String,
    },
}

/// Reads all objects of all files (`-` is standard input) in order. Directories stand for the
/// `.yaml`, `.yml` and `.json` files in them, in order of their names. Lists are taken apart.
///
/// # Errors
/// The first file that can't be read, the first document that is malformed or is no object.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    for path in paths {
        for file in files_of(path)? {
            let text = read_text(&file).map_err(|source| ManifestError::Unreadable {
                file: file.clone(),
                source,
            })?;
            parse(&file, &text, &mut manifests)?;
        }
    }
    if manifests.is_empty() {
        let names: Vec<String> = paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(ManifestError::Nothing {
            files: names.join(", "),
        });
    }
    Ok(manifests)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |source| ManifestError::Unreadable {
        file: path.to_owned(),
        source,
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let extension = file.extension().and_then(|extension| extension.to_str());
        if matches!(extension, Some("yaml" | "yml" | "json")) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read_text(file: &Path) -> std::io::Result<String> {
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}

/// Reads the documents of one text.
///
/// # Errors
/// As for [`read`].
pub fn parse(file: &Path, text: &str, into: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    for (first_line, document) in documents(text) {
        let place = |line| Place {
            file: file.to_owned(),
            line,
        };
        // Empty lines in front of the document make the parser's line numbers the file's.
        let padded = "\n".repeat(first_line - 1) + document;
        let value: Value = serde_saphyr::from_str(&padded).map_err(|error| {
            let line = error
                .location()
                .and_then(|location| usize::try_from(location.line()).ok());
            ManifestError::Malformed {
                place: place(line.unwrap_or(first_line)),
                reason: one_line(&error.without_snippet().to_string()),
            }
        })?;
        if value.is_null() {
            continue;
        }
        let begins = first_line + document.lines().take_while(|line| is_blank(line)).count();
        take_apart(value, &place(begins), into)?;
    }
    Ok(())
}

/// Splits at document markers, which YAML allows nowhere else than at the start of a line.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marker {
            documents.push((start_line, &text[start..offset]));
            (start, start_line) = (offset + 3, index + 1);
        }
        offset += line.len();
    }
    documents.push((start_line, &text[start..]));
    documents
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

fn take_apart(object: Value, place: &Place, into: &mut Vec<Manifest>) -> Result<(), ManifestError> {
    let text = |field: &'static str| {
        let value = object
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        value
            .map(str::to_owned)
            .ok_or_else(|| ManifestError::NotAnObject {
                place: place.clone(),
                missing: field,
            })
    };
    let (api_version, kind) = (text("apiVersion")?, text("kind")?);
    if let (true, Some(Value::Array(items))) = (kind.ends_with("List"), object.get("items")) {
        return items
            .iter()
            .try_for_each(|item| take_apart(item.clone(), place, into));
    }
    let metadata = object.get("metadata");
    let named = ["name", "generateName"].iter().any(|field| {
        metadata
            .and_then(|metadata| metadata.get(field))
            .and_then(Value::as_str)
            .is_some_and(|name| !name.is_empty())
    });
    if !named {
        return Err(ManifestError::NotAnObject {
            place: place.clone(),
            missing: "metadata.name",
        });
    }
    into.push(Manifest {
        place: place.clone(),
        api_version,
        kind,
        object,
    });
    Ok(())
}

fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &str) -> Result<Vec<Manifest>, String> {
        let mut manifests = Vec::new();
        parse(Path::new("web.yaml"), text, &mut manifests).map_err(|error| error.to_string())?;
        Ok(manifests)
    }

    const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n";

    #[test]
    fn documents_know_the_line_they_begin_at() {
        let text =
            format!("# a comment\n{NAMESPACE}---\n\n{NAMESPACE}--- # next\n{NAMESPACE}---\n");
        let lines: Vec<usize> = parse_text(&text)
            .expect("parses")
            .iter()
            .map(|m| m.place.line)
            .collect();
        assert_eq!(lines, [2, 7, 11]);
    }

    #[test]
    fn malformed_yaml_names_file_and_line() {
        let text =
            format!("{NAMESPACE}---\napiVersion: v1\nkind: [Service\nmetadata: {{name: b}}\n");
        let error = parse_text(&text).expect_err("is malformed");
        assert!(
            error.starts_with("web.yaml:7: not valid YAML: ")
                || error.starts_with("web.yaml:6: not valid YAML: "),
            "{error}"
        );
    }

    #[test]
    fn a_document_without_a_kind_or_a_name_is_refused() {
        let error = parse_text("apiVersion: v1\nmetadata: {name: a}\n").expect_err("has no kind");
        assert!(error.starts_with("web.yaml:1: kind is missing"), "{error}");
        let error = parse_text("apiVersion: v1\nkind: Service\n").expect_err("has no name");
        assert!(
            error.starts_with("web.yaml:1: metadata.name is missing"),
            "{error}"
        );
    }

    #[test]
    fn lists_are_taken_apart_and_json_is_yaml() {
        let text = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}]}"#;
        let manifests = parse_text(text).expect("parses");
        assert_eq!(
            (manifests.len(), manifests[0].kind.as_str()),
            (1, "Namespace")
        );
    }

    #[test]
    fn a_missing_file_and_an_empty_one_are_told_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let empty = folder.path().join("empty.yaml");
        std::fs::write(&empty, "# nothing here\n").expect("writes");
        let error = read(&[empty]).expect_err("has no objects").to_string();
        assert!(error.starts_with("no objects in "), "{error}");
        let error = read(&[folder.path().join("missing.yaml")])
            .expect_err("is missing")
            .to_string();
        assert!(error.contains("missing.yaml: No such file"), "{error}");
    }
}
