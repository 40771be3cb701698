//! From a kubeconfig to a connection.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::ClientError;

/// A connection with its server's address, for messages.
#[derive(Clone)]
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) server: String,
}

/// Reads a kubeconfig and makes a client of it; nothing is sent yet.
///
/// # Errors
/// The file isn't there, or can't be used.
pub async fn connect(kubeconfig: &Path) -> Result<Connection, ClientError> {
    if !kubeconfig.exists() {
        return Err(ClientError::NoKubeconfig {
            path: kubeconfig.to_owned(),
        });
    }
    let unusable = |reason: String| ClientError::BadKubeconfig {
        path: kubeconfig.to_owned(),
        reason,
    };
    let file = Kubeconfig::read_from(kubeconfig).map_err(|error| unusable(error.to_string()))?;
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let server = config.cluster_url.to_string();
    let client = Client::try_from(config).map_err(|error| unusable(error.to_string()))?;
    Ok(Connection { client, server })
}

impl Connection {
    /// A connection over a client that is there already.
    pub fn from_client(client: Client) -> Self {
        Self {
            client,
            server: "the API server".to_owned(),
        }
    }
}
