//! Sets and maps.

use std::fmt;
use std::time::Duration;

use super::datatype::TypeList;
use super::{Datatype, Element};

/// A named set, or a map if it leads to data or verdicts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// The set's name, unique in its table.
    pub name: String,
    /// The types of the key's values.
    pub key: Vec<Datatype>,
    /// What an element leads to.
    pub map: MapOf,
    /// Whether elements are ranges.
    pub interval: bool,
    /// Whether rules may add elements.
    pub dynamic: bool,
    /// Whether elements may expire.
    pub timeout: bool,
    /// The most elements the set takes. Without it a set grows with its content; a dynamic set
    /// must have it.
    pub size: Option<u32>,
}

/// What the elements of a set lead to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum MapOf {
    /// Nothing: it is a plain set.
    Nothing,
    /// Values of these types.
    Values(Vec<Datatype>),
    /// A verdict. The kernel checks such maps whole at each commit: keep them small.
    Verdicts,
}

impl Set {
    /// A plain set of exact keys.
    pub fn of(name: impl Into<String>, key: impl Into<Vec<Datatype>>) -> Self {
        Self {
            name: name.into(),
            key: key.into(),
            map: MapOf::Nothing,
            interval: false,
            dynamic: false,
            timeout: false,
            size: None,
        }
    }

    /// A map from exact keys to values.
    pub fn map(
        name: impl Into<String>,
        key: impl Into<Vec<Datatype>>,
        data: impl Into<Vec<Datatype>>,
    ) -> Self {
        Self {
            map: MapOf::Values(data.into()),
            ..Self::of(name, key)
        }
    }

    /// A map from exact keys to verdicts.
    pub fn verdict_map(name: impl Into<String>, key: impl Into<Vec<Datatype>>) -> Self {
        Self {
            map: MapOf::Verdicts,
            ..Self::of(name, key)
        }
    }

    /// The same set, with ranges instead of exact keys.
    #[must_use]
    pub fn with_intervals(self) -> Self {
        Self {
            interval: true,
            ..self
        }
    }

    /// The same set, but rules may add up to `size` elements.
    #[must_use]
    pub fn dynamic(self, size: u32) -> Self {
        Self {
            dynamic: true,
            size: Some(size),
            ..self
        }
    }

    /// The same set, but elements may expire.
    #[must_use]
    pub fn with_timeout(self) -> Self {
        Self {
            timeout: true,
            ..self
        }
    }

    /// Whether ranges of this set are stored as two elements, the second of which is just behind
    /// the range: so it is for a single value; a concatenation has both ends in one element.
    pub(crate) fn splits_intervals(&self) -> bool {
        self.interval && self.key.len() == 1
    }

    /// The types of a map's data, empty for others.
    pub(crate) fn data_types(&self) -> &[Datatype] {
        match &self.map {
            MapOf::Values(types) => types,
            MapOf::Nothing | MapOf::Verdicts => &[],
        }
    }

    /// An element in this set's notation, as `nft list` prints it.
    pub fn show<'a>(&'a self, element: &'a Element) -> impl fmt::Display + 'a {
        super::element::Shown { set: self, element }
    }
}

impl fmt::Display for Set {
    /// Prints the head that `nft list` prints, without elements.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = TypeList(&self.key);
        match &self.map {
            MapOf::Nothing => writeln!(f, "\tset {} {{\n\t\ttype {key}", self.name)?,
            MapOf::Values(types) => {
                let data = TypeList(types);
                writeln!(f, "\tmap {} {{\n\t\ttype {key} : {data}", self.name)?;
            }
            MapOf::Verdicts => writeln!(f, "\tmap {} {{\n\t\ttype {key} : verdict", self.name)?,
        }
        if let Some(size) = self.size {
            writeln!(f, "\t\tsize {size}")?;
        }
        let flags = [
            (self.interval, "interval"),
            (self.timeout && !self.dynamic, "timeout"),
            (self.dynamic && self.timeout, "dynamic,timeout"),
            (self.dynamic && !self.timeout, "dynamic"),
        ];
        let flags: Vec<&str> = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, name)| *name)
            .collect();
        if !flags.is_empty() {
            writeln!(f, "\t\tflags {}", flags.join(","))?;
        }
        Ok(())
    }
}

/// Prints a time as `nft` does: `3h`, `1d2h`, `90s` as `1m30s`.
pub(crate) struct Time(pub(crate) Duration);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seconds = self.0.as_secs();
        if seconds == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
            if seconds >= length {
                write!(f, "{}{unit}", seconds / length)?;
                seconds %= length;
            }
        }
        Ok(())
    }
}
