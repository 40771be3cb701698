//! The administrator's kubeconfig: everything `kubectl` needs, in one file.

use std::{net::SocketAddr, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use super::{
    Pki, PkiError,
    files::{read, write_private},
};

const NAME: &str = "tidegate";

/// Writes the kubeconfig for a server at `address`, unless it is there already.
pub(crate) fn write_kubeconfig(
    path: &Path,
    pki: &Pki,
    address: SocketAddr,
) -> Result<(), PkiError> {
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": NAME,
        "clusters": [{"name": NAME, "cluster": {
            "server": format!("https://{address}"),
            "certificate-authority-data": encode(&pki.authority_certificate),
        }}],
        "users": [{"name": "tidegate-admin", "user": {
            "client-certificate-data": encode(&pki.admin.certificate),
            "client-key-data": encode(&pki.admin.key),
        }}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": "tidegate-admin"}}],
    });
    // Certificates stay on one line: tools cut this file apart by lines.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let text = serde_saphyr::to_string_with_options(&config, options).map_err(|error| {
        PkiError::Damaged {
            path: path.to_owned(),
            problem: error.to_string(),
        }
    })?;
    if read(path)?.as_deref() == Some(text.as_str()) {
        return Ok(());
    }
    write_private(path, &text)
}
