//! The files that a Corefile imports.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_dns_config::{ImportedFile, Imports};

/// Files on this machine. A relative path begins at the directory of the file that names it.
pub(super) struct FilesHere;

impl Imports for FilesHere {
    fn matching(&self, pattern: &str, from: &str) -> Result<Vec<ImportedFile>, String> {
        let directory = Path::new(from).parent().unwrap_or(Path::new(""));
        let pattern = directory.join(pattern);
        paths(&pattern)?.iter().map(|path| read(path)).collect()
    }
}

/// The files that fit a pattern, which may have wildcards in its last part.
fn paths(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let name = pattern
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| format!("{} names no file", pattern.display()))?;
    if !name.contains(['*', '?']) {
        return Ok(match pattern.exists() {
            true => vec![pattern.to_owned()],
            false => Vec::new(),
        });
    }
    let directory = match pattern.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let entries = fs::read_dir(directory)
        .map_err(|error| format!("{} can't be read: {error}", directory.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| format!("{}: {error}", directory.display()))?;
        let is_file = entry.path().is_file();
        if is_file
            && fits(
                entry.file_name().to_string_lossy().as_bytes(),
                name.as_bytes(),
            )
        {
            found.push(entry.path());
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Whether a name fits a pattern, in which `*` stands for anything and `?` for one octet.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            let mut tails = (0..=name.len()).filter_map(|from| name.get(from..));
            // A run of stars is one: each more would multiply the work.
            match rest.first() {
                Some(b'*') => fits(name, rest),
                _ => tails.any(|tail| fits(tail, rest)),
            }
        }
        (Some((b'?', rest)), Some((_, tail))) => fits(tail, rest),
        (Some((one, rest)), Some((other, tail))) => one == other && fits(tail, rest),
        _ => false,
    }
}

fn read(path: &Path) -> Result<ImportedFile, String> {
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    Ok(ImportedFile {
        name: path.display().to_string(),
        text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_what_they_always_do() {
        for (name, pattern, expected) in [
            ("a.server", "*.server", true),
            ("a.override", "*.server", false),
            ("a1", "a?", true),
            ("a", "a?", false),
            ("", "*", true),
            ("abcabc", "a*b*c", true),
            ("abcabd", "a*b*c", false),
        ] {
            let is_fit = fits(name.as_bytes(), pattern.as_bytes());
            assert_eq!(is_fit, expected, "{name} {pattern}");
        }
    }

    #[test]
    fn files_are_imported_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.server", "a.server", "c.override"] {
            fs::write(folder.path().join(name), name).expect("written");
        }
        let from = folder.path().join("Corefile").display().to_string();
        let found = FilesHere.matching("*.server", &from).expect("found");
        let texts: Vec<_> = found.into_iter().map(|file| file.text).collect();
        assert_eq!(texts, ["a.server", "b.server"]);
        assert!(
            FilesHere
                .matching("missing", &from)
                .expect("none")
                .is_empty()
        );
    }
}
