//! Writing the file.

use serde_json::{Map, Value};

use crate::configuration::{API_VERSION, KIND, KubeProxyConfiguration};

impl KubeProxyConfiguration {
    /// The configuration as a file, for `--write-config-to`: YAML with every field, in the order of
    /// their names, as upstream writes it.
    pub fn encode(&self) -> String {
        let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
        serde_saphyr::to_string_with_options(&self.to_json(), options)
            .expect("a tree of texts and numbers can be written")
    }

    /// The configuration as JSON, for `/configz`, in the order of the fields' names.
    pub fn to_json(&self) -> Value {
        let mut tree = serde_json::to_value(self).expect("texts and numbers are JSON");
        if let Value::Object(fields) = &mut tree {
            fields.insert("apiVersion".to_owned(), API_VERSION.into());
            fields.insert("kind".to_owned(), KIND.into());
        }
        sorted(tree)
    }
}

/// The map keeps the order of insertion or of the keys, depending on what else is built.
fn sorted(tree: Value) -> Value {
    match tree {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let sorted = fields
                .into_iter()
                .map(|(name, value)| (name, sorted(value)));
            Value::Object(Map::from_iter(sorted))
        }
        Value::Array(items) => items.into_iter().map(sorted).collect(),
        leaf => leaf,
    }
}
