//! `pods/exec`: a command in a container, over a WebSocket.
//!
//! Everything that can be refused is refused before the connection changes its protocol, so that
//! the client gets an ordinary answer.

mod channels;
mod stream;
#[cfg(test)]
mod tests;

use axum::{
    body::Body,
    extract::{FromRequestParts, ws::WebSocketUpgrade},
    response::Response,
};
use http::{HeaderMap, Request, header};
use serde_json::Value;

use self::{
    channels::Protocol,
    stream::{Command, serve},
};
use super::{container::container_of, log::failed, modify::read, name_of};
use crate::{
    api::Api,
    error::ApiError,
    object,
    pod_access::{ExecRequest, PodAccessError},
    request::{ExecQuery, ObjectPath},
};

/// The largest message that a client may send; kubectl's have 32 KiB.
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;

pub(super) async fn answer(
    api: &Api,
    path: ObjectPath,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let mut query = ExecQuery::of(request.uri())?;
    check(&query)?;
    // On a terminal errors are output.
    query.stderr &= !query.tty;
    let name = name_of(&path)?;
    let pod = read(api, &path, name).await?.object;
    let container = container_of(&pod, name, query.container.as_deref())?;
    if object::text(&pod, &["spec", "nodeName"]).is_empty() {
        let message = format!("pod {name} does not have a host assigned");
        return Err(ApiError::BadRequest(message));
    }
    let (mut parts, _) = request.into_parts();
    match wanted_upgrade(&parts.headers) {
        Some(Upgrade::WebSocket) => {}
        Some(Upgrade::Spdy) => return Err(without_spdy(&pod, name, &container)),
        None => return Err(ApiError::BadRequest("Upgrade request required".to_owned())),
    }
    let protocol = Protocol::choose(&parts.headers)?;
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|rejection| ApiError::BadRequest(rejection.to_string()))?;
    let permit = api.commands.clone().try_acquire_owned().map_err(|_| {
        let message =
            "too many commands run in containers at the same time; end some and try again";
        ApiError::TooManyRequests(message.to_owned())
    })?;
    let wanted = ExecRequest {
        command: query.command.clone(),
        stdin: query.stdin,
        tty: query.tty,
    };
    let namespace = path.namespace_or_empty();
    let command = match api.pods.exec(namespace, name, &container, wanted).await {
        Ok(process) => Command::Runs(process),
        Err(PodAccessError::NotExecuted { code, message }) => {
            Command::NotExecuted { code, message }
        }
        Err(error) => return Err(failed(error)),
    };
    let shutdown = api.shutdown.clone();
    let upgrade = upgrade
        .protocols([protocol.name()])
        .max_message_size(MAX_MESSAGE_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES);
    Ok(upgrade.on_upgrade(async move |socket| {
        serve(socket, protocol, &query, command, shutdown).await;
        drop(permit);
    }))
}

fn check(query: &ExecQuery) -> Result<(), ApiError> {
    let complaint = if query.command.first().is_none_or(String::is_empty) {
        "you must specify at least one command for the container"
    } else if !(query.stdin || query.stdout || query.stderr) {
        "you must specify at least 1 of stdin, stdout, stderr"
    } else {
        return Ok(());
    };
    Err(ApiError::BadRequest(complaint.to_owned()))
}

/// The protocol that the client wants to go on with.
enum Upgrade {
    WebSocket,
    Spdy,
}

fn wanted_upgrade(headers: &HeaderMap) -> Option<Upgrade> {
    let wanted = headers.get(header::UPGRADE)?.to_str().ok()?;
    let wanted = wanted.to_ascii_lowercase();
    match wanted.as_str() {
        "websocket" => Some(Upgrade::WebSocket),
        _ if wanted.starts_with("spdy/") => Some(Upgrade::Spdy),
        _ => None,
    }
}

/// kubectl tries SPDY after any refusal over WebSocket and shows only what comes of that, so a
/// container that does not run is the answer here too.
fn without_spdy(pod: &Value, name: &str, container: &str) -> ApiError {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let statuses = lists
        .iter()
        .filter_map(|list| object::at(pod, &["status", list])?.as_array());
    let status = statuses
        .flatten()
        .find(|status| object::text(status, &["name"]) == container);
    let runs = status.is_some_and(|status| object::at(status, &["state", "running"]).is_some());
    ApiError::BadRequest(if runs {
        "this server runs commands over WebSockets only, and the client asked for SPDY: use kubectl \
         1.31 or newer (1.29 and 1.30 with KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true), or `tidegate exec`"
            .to_owned()
    } else {
        format!("container {container:?} in pod {name:?} is not running")
    })
}
