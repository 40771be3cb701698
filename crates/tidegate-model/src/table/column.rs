//! The heading of a column.

use serde::Serialize;

/// A `TableColumnDefinition` of the API (meta.k8s.io/v1), which is what it serialises to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    /// The heading; kubectl prints it in capitals.
    pub name: &'static str,
    /// The OpenAPI type of the cells: `string`, `integer` or `date`.
    #[serde(rename = "type")]
    pub value_type: &'static str,
    /// The OpenAPI format of the cells; `name` marks the column that names the object.
    pub format: &'static str,
    /// What the column shows.
    pub description: &'static str,
    /// 0 for columns that are always shown, 1 for those of `-o wide`.
    pub priority: i32,
}

impl Column {
    /// The column that names the object.
    pub(super) const NAME: Self = Self {
        format: "name",
        ..Self::text(
            "Name",
            "The name of the object, unique among its kind in its namespace.",
        )
    };

    /// The column with the time since the object was created.
    pub(super) const AGE: Self = Self::text("Age", "The time since the object was created.");

    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            value_type: "string",
            format: "",
            description,
            priority: 0,
        }
    }

    pub(super) const fn number(name: &'static str, description: &'static str) -> Self {
        Self {
            value_type: "integer",
            ..Self::text(name, description)
        }
    }

    /// Shows the column only with `-o wide`.
    pub(super) const fn wide(self) -> Self {
        Self {
            priority: 1,
            ..self
        }
    }
}
