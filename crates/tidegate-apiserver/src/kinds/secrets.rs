//! Secrets take text in `stringData` and keep bytes in `data`.

use k8s_openapi::{ByteString, api::core::v1::Secret};

/// Moves `stringData` into `data` and fills in the type.
pub(super) fn default(secret: &mut Secret) {
    for (key, text) in secret.string_data.take().unwrap_or_default() {
        secret
            .data
            .get_or_insert_default()
            .insert(key, ByteString(text.into_bytes()));
    }
    secret.type_.get_or_insert_with(|| "Opaque".to_owned());
}
