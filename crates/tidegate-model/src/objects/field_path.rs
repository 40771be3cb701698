//! The place of a field in an object, as messages and causes name it.

use std::fmt;

/// A path such as `spec.ports[0].nodePort` or `metadata.annotations[example.com/key]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(String);

impl FieldPath {
    /// Starts at a field of the object itself.
    pub fn root(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Goes to a named field.
    pub fn child(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// Goes to an item of a list.
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Goes to an entry of a map.
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}[{key}]", self.0))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
