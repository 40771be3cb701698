//! The way to an API server, for parts that work in somebody's cluster.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use kube::config::{
    self, AuthInfo, Cluster, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster,
    NamedContext,
};
use kube::{Client, Config};

/// What flags and files say about the API server. Where they say nothing it is the one of the pod
/// that we run in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ApiAccess {
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Which of the kubeconfig's contexts; its current one where it isn't said.
    pub(crate) context: Option<String>,
    /// The server's address, in place of the one in the kubeconfig.
    pub(crate) server: Option<String>,
    /// How to be known to `server` without a kubeconfig.
    pub(crate) certificates: Certificates,
    /// What to do where nothing of all this is given, and we are in no pod.
    pub(crate) remedy: &'static str,
}

/// Files, each of which may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Certificates {
    /// The certificate of the authority that the server's is from.
    pub(crate) authority: Option<String>,
    /// Our own certificate.
    pub(crate) client: Option<String>,
    /// Our own key.
    pub(crate) key: Option<String>,
}

impl ApiAccess {
    /// A client; nothing is sent yet.
    ///
    /// # Errors
    /// A file can't be used, or there is none and we are in no pod.
    pub(crate) async fn client(self) -> anyhow::Result<Client> {
        let mut config = match (&self.kubeconfig, &self.server) {
            (Some(path), _) => of_kubeconfig(path, self.context).await?,
            (None, Some(server)) => of_address(server, self.certificates).await?,
            (None, None) => Config::incluster().map_err(|error| {
                let remedy = self.remedy;
                anyhow!("these are not the credentials of a pod: {error}; {remedy}")
            })?,
        };
        if let Some(server) = self.server {
            let address = server.parse();
            config.cluster_url = address.with_context(|| format!("the API server {server}"))?;
        }
        Client::try_from(config).context("the connection to the API server can't be set up")
    }
}

async fn of_kubeconfig(path: &Path, context: Option<String>) -> anyhow::Result<Config> {
    let named = || format!("the kubeconfig {}", path.display());
    let file = Kubeconfig::read_from(path).with_context(named)?;
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(file, &options)
        .await
        .with_context(named)
}

/// As a kubeconfig would say it.
async fn of_address(server: &str, certificates: Certificates) -> anyhow::Result<Config> {
    let name = "server";
    let cluster = Cluster {
        server: Some(server.to_owned()),
        certificate_authority: certificates.authority,
        ..Cluster::default()
    };
    let user = AuthInfo {
        client_certificate: certificates.client,
        client_key: certificates.key,
        ..AuthInfo::default()
    };
    let context = config::Context {
        cluster: name.to_owned(),
        user: Some(name.to_owned()),
        ..config::Context::default()
    };
    let written = Kubeconfig {
        clusters: vec![NamedCluster {
            name: name.to_owned(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: name.to_owned(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: name.to_owned(),
            context: Some(context),
            ..NamedContext::default()
        }],
        current_context: Some(name.to_owned()),
        ..Kubeconfig::default()
    };
    Config::from_custom_kubeconfig(written, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("the API server {server}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(server: &str) -> ApiAccess {
        ApiAccess {
            server: Some(server.to_owned()),
            remedy: "give --kubeconfig",
            ..ApiAccess::default()
        }
    }

    async fn refusal(access: ApiAccess) -> String {
        match access.client().await {
            Ok(_) => panic!("a client was made"),
            Err(error) => format!("{error:#}"),
        }
    }

    #[tokio::test]
    async fn an_address_is_enough() {
        for server in ["http://127.0.0.1:8080", "https://[::1]:6443"] {
            let made = at(server).client().await;
            made.unwrap_or_else(|error| panic!("{server}: {error:#}"));
        }
    }

    #[tokio::test]
    async fn what_can_not_be_used_is_named() {
        let certificates = Certificates {
            authority: Some("/nonexistent/ca.crt".to_owned()),
            ..Certificates::default()
        };
        let access = ApiAccess {
            certificates,
            ..at("https://127.0.0.1:6443")
        };
        let told = refusal(access).await;
        assert!(told.contains("/nonexistent/ca.crt"), "{told}");
        let told = refusal(at("https://not an address")).await;
        assert!(told.contains("https://not an address"), "{told}");
        let access = ApiAccess {
            kubeconfig: Some("/nonexistent/config".into()),
            ..ApiAccess::default()
        };
        let told = refusal(access).await;
        assert!(
            told.contains("the kubeconfig /nonexistent/config"),
            "{told}"
        );
    }
}
