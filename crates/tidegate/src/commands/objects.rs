//! `apply`, `get`, `delete` and `logs`: the API without kubectl.

use std::path::PathBuf;

use anyhow::Context;
use futures::{AsyncBufReadExt, TryStreamExt};
use tidegate_client::manifest;
use tidegate_client::{
    Applied, ClientError, Connection, Format, GetOptions, Kinds, LogsOptions, apply, connect,
    delete, get, logs,
};

use crate::cli::{ApplyArgs, Connect, DeleteArgs, GetArgs, LogsArgs, Output};
use crate::exit::Failure;
use crate::say;

/// Applies manifests; every object is tried, the first failure is the outcome.
pub(crate) async fn run_apply(args: ApplyArgs) -> Result<(), Failure> {
    let manifests = manifest::read(&args.filenames).map_err(Failure::bad_input)?;
    let connection = open(&args.connect).await?;
    let kinds = Kinds::load(&connection).await.map_err(outcome)?;
    // A misspelt kind is found before anything is changed.
    for manifest in &manifests {
        kinds.of_manifest(manifest).map_err(outcome)?;
    }
    let mut first_failure = None;
    for manifest in &manifests {
        let kind = kinds.of_manifest(manifest).map_err(outcome)?;
        match apply(&connection, &kinds, &args.connect.namespace, manifest).await {
            Ok(applied) => {
                let word = match applied {
                    Applied::Created => "created",
                    Applied::Configured => "configured",
                    Applied::Unchanged => "unchanged",
                };
                say!("{}/{} {word}", kind.qualified(), manifest.name());
            }
            Err(error) if first_failure.is_none() => first_failure = Some(error),
            Err(error) => tracing::error!("{error}"),
        }
    }
    first_failure.map_or(Ok(()), |error| Err(outcome(error)))
}

/// Shows objects.
pub(crate) async fn run_get(args: GetArgs) -> Result<(), Failure> {
    let connection = open(&args.connect).await?;
    let kinds = Kinds::load(&connection).await.map_err(outcome)?;
    let kind = kinds.named(&args.kind).map_err(outcome)?;
    let options = GetOptions {
        namespace: (!args.all_namespaces).then_some(args.connect.namespace),
        name: args.name,
        selector: args.selector,
        format: match args.output {
            Output::Table => Format::Table,
            Output::Wide => Format::Wide,
            Output::Yaml => Format::Yaml,
            Output::Json => Format::Json,
        },
    };
    let text = get(&connection, kind, &options).await.map_err(outcome)?;
    say!("{}", text.trim_end());
    Ok(())
}

/// Deletes one object by name, or all that manifests name, in reverse order.
pub(crate) async fn run_delete(args: DeleteArgs) -> Result<(), Failure> {
    let manifests = match args.filenames.is_empty() {
        true => Vec::new(),
        false => manifest::read(&args.filenames).map_err(Failure::bad_input)?,
    };
    let connection = open(&args.connect).await?;
    let kinds = Kinds::load(&connection).await.map_err(outcome)?;
    let namespace = &args.connect.namespace;
    if let (Some(kind), Some(name)) = (&args.kind, &args.name) {
        let kind = kinds.named(kind).map_err(outcome)?;
        delete(&connection, kind, namespace, name)
            .await
            .map_err(outcome)?;
        say!("{}/{name} deleted", kind.qualified());
    }
    for manifest in manifests.iter().rev() {
        let kind = kinds.of_manifest(manifest).map_err(outcome)?;
        let namespace = manifest.namespace().unwrap_or(namespace);
        match delete(&connection, kind, namespace, manifest.name()).await {
            Ok(()) => say!("{}/{} deleted", kind.qualified(), manifest.name()),
            Err(error) if error.is_not_found() => {
                say!("{}/{} was not there", kind.qualified(), manifest.name())
            }
            Err(error) => return Err(outcome(error)),
        }
    }
    Ok(())
}

/// Prints a pod's log.
pub(crate) async fn run_logs(args: LogsArgs) -> Result<(), Failure> {
    let connection = open(&args.connect).await?;
    let options = LogsOptions {
        container: args.container,
        follow: args.follow,
        tail: args.tail,
        previous: args.previous,
    };
    let log = logs(&connection, &args.connect.namespace, &args.pod, &options)
        .await
        .map_err(outcome)?;
    let log = std::pin::pin!(log);
    let mut lines = log.lines();
    while let Some(line) = lines.try_next().await.context("the log broke off")? {
        say!("{line}");
    }
    Ok(())
}

pub(super) async fn open(args: &Connect) -> Result<Connection, Failure> {
    let default = || -> PathBuf { args.data_dir.join("admin.kubeconfig") };
    let kubeconfig = args.kubeconfig.clone().unwrap_or_else(default);
    connect(&kubeconfig).await.map_err(outcome)
}

pub(super) fn outcome(error: ClientError) -> Failure {
    match error {
        ClientError::UnknownKind { .. } => Failure::bad_input(error),
        ClientError::AtManifest { ref source, .. }
            if matches!(**source, ClientError::UnknownKind { .. }) =>
        {
            Failure::bad_input(error)
        }
        other => Failure::Failed(other.into()),
    }
}
