//! Prints the server's tables.

use serde::Deserialize;
use serde_json::Value;

/// `meta.k8s.io/v1` Table, as far as printing needs it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Table {
    column_definitions: Vec<Column>,
    #[serde(default)]
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    #[serde(default)]
    priority: i32,
}

#[derive(Debug, Deserialize)]
struct Row {
    cells: Vec<Value>,
    #[serde(default)]
    object: Value,
}

/// Columns of equal width, three blanks apart; empty if there are no rows.
pub(crate) fn print(table: &Table, wide: bool, with_namespace: bool) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let shown: Vec<usize> = (0..table.column_definitions.len())
        .filter(|index| wide || table.column_definitions[*index].priority == 0)
        .collect();
    let namespace = |text: String| with_namespace.then_some(text);
    let head: Vec<String> = namespace("NAMESPACE".to_owned())
        .into_iter()
        .chain(
            shown
                .iter()
                .map(|index| table.column_definitions[*index].name.to_uppercase()),
        )
        .collect();
    let rows = table.rows.iter().map(|row| {
        let of_object = row
            .object
            .pointer("/metadata/namespace")
            .and_then(Value::as_str);
        let cells = shown
            .iter()
            .map(|index| row.cells.get(*index).map(cell).unwrap_or_default());
        namespace(of_object.unwrap_or_default().to_owned())
            .into_iter()
            .chain(cells)
            .collect()
    });
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let widths: Vec<usize> = (0..lines[0].len())
        .map(|column| {
            lines
                .iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    let mut text = String::new();
    for line in &lines {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        text.push_str(padded.join("   ").trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.lines().next().unwrap_or_default().to_owned(),
        Value::Null => "<none>".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_line_up_and_wide_ones_wait_to_be_asked_for() {
        let table: Table = serde_json::from_value(json!({
            "columnDefinitions": [{"name": "Name"}, {"name": "Age"}, {"name": "Node", "priority": 1}],
            "rows": [{"cells": ["hostnames", "5s", "here"], "object": {"metadata": {"namespace": "default"}}}, {"cells": ["a", 3, null]}]
        }))
        .expect("a table");
        assert_eq!(
            print(&table, false, false),
            "NAME        AGE\nhostnames   5s\na           3\n"
        );
        assert_eq!(
            print(&table, true, true),
            "NAMESPACE   NAME        AGE   NODE\ndefault     hostnames   5s    here\n            a           3     <none>\n"
        );
    }
}
