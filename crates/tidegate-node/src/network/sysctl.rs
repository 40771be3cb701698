//! Kernel parameters below `/proc/sys/net`, which always mean the calling thread's network namespace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A parameter that could not be read or written.
#[derive(Debug, Error)]
#[error("kernel parameter {name}: {error}")]
pub struct SysctlError {
    /// Path below `/proc/sys/net`.
    pub name: String,
    /// What the kernel said.
    pub error: io::Error,
}

/// A parameter as it was before the node changed it, and what the node made of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    pub(crate) name: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

pub(crate) fn read(name: &str) -> Result<String, SysctlError> {
    match fs::read_to_string(path(name)) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) => Err(failed(name, error)),
    }
}

pub(crate) fn write(name: &str, value: &str) -> Result<(), SysctlError> {
    fs::write(path(name), value).map_err(|error| failed(name, error))
}

/// Whether the kernel has the parameter at all (IPv6 can be missing).
pub(crate) fn exists(name: &str) -> bool {
    path(name).exists()
}

/// Puts a parameter back, unless somebody else changed it in the meantime. Returns whether it did.
pub(crate) fn restore(change: &Changed) -> Result<bool, SysctlError> {
    if change.before == change.after || read(&change.name)? != change.after {
        return Ok(false);
    }
    write(&change.name, &change.before)?;
    Ok(true)
}

fn path(name: &str) -> PathBuf {
    Path::new("/proc/sys/net").join(name)
}

fn failed(name: &str, error: io::Error) -> SysctlError {
    SysctlError {
        name: name.to_owned(),
        error,
    }
}
