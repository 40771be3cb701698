//! watch: where it begins and how long it lasts.

use std::{collections::VecDeque, time::Duration};

use axum::response::Response;
use rand::Rng;
use tidegate_model::objects::{Cause, FieldPath};

use super::{
    list::list,
    revision::{invalid, wanted_and_reached},
};
use crate::{
    api::Api,
    error::ApiError,
    request::{ListOptions, ObjectPath},
    respond::{View, WatchPlan, failed_watch_response, watch_response},
    selector::Selector,
};

/// How long a watch lasts when the client doesn't say: between one and two of these, so that
/// clients which began together don't come back together.
const USUAL_TIMEOUT: Duration = Duration::from_secs(1800);

/// No watch lasts longer, whatever the client asks for.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

/// Begins a watch: after the named revision, or with the present objects if none is named.
///
/// A revision that history has forgotten is told by an event, as upstream does: that is where
/// clients look for it.
pub(super) async fn watch(
    api: &Api,
    path: &ObjectPath,
    view: View,
    selector: Selector,
    options: &ListOptions,
) -> Result<Response, ApiError> {
    match begin(api, path, view, selector, options).await {
        Err(error @ ApiError::Expired(_)) => Ok(failed_watch_response(&error)),
        begun => begun,
    }
}

async fn begin(
    api: &Api,
    path: &ObjectPath,
    view: View,
    selector: Selector,
    options: &ListOptions,
) -> Result<Response, ApiError> {
    check_initial_events_options(options)?;
    let permit = api.watches.clone().try_acquire_owned().map_err(|_| {
        ApiError::TooManyRequests("too many watches are open; close some and try again".to_owned())
    })?;
    let from = wanted_and_reached(api, options)?;
    let wants_initial = options.send_initial_events.unwrap_or(from.is_none());
    let (initial, start) = if wants_initial {
        let answer = list(api, path, &selector, &ListOptions::default()).await?;
        (VecDeque::from(answer.items), answer.revision)
    } else {
        (
            VecDeque::new(),
            from.unwrap_or_else(|| api.objects.revision()),
        )
    };
    let namespace = path.namespace.as_deref();
    let watch = api
        .objects
        .watch(path.kind, namespace, &selector, start)
        .await?;
    let bookmarks = options.allow_watch_bookmarks;
    let marks_initial_end = bookmarks && options.send_initial_events == Some(true);
    Ok(watch_response(WatchPlan {
        view,
        selector,
        initial,
        mark_initial_end: marks_initial_end.then_some(start),
        watch,
        bookmarks,
        timeout: timeout(options),
        shutdown: api.shutdown.clone(),
        permit,
    }))
}

fn timeout(options: &ListOptions) -> Duration {
    match options.timeout_seconds.filter(|seconds| *seconds > 0) {
        Some(seconds) => Duration::from_secs(seconds).min(LONGEST_TIMEOUT),
        None => USUAL_TIMEOUT.mul_f64(1.0 + rand::rng().random::<f64>()),
    }
}

/// A watch that begins with a list has to say how old the list may be: upstream's rule.
fn check_initial_events_options(options: &ListOptions) -> Result<(), ApiError> {
    let path = FieldPath::root("resourceVersionMatch");
    let matching = options
        .resource_version_match
        .as_deref()
        .filter(|text| !text.is_empty());
    let cause = match (options.send_initial_events, matching) {
        (None, None) | (Some(_), Some("NotOlderThan")) => return Ok(()),
        (None, Some(_)) => Cause::forbidden(
            &path,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (Some(_), None) => Cause::forbidden(
            &path,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (Some(_), Some(other)) => Cause::unsupported(&path, other, &["NotOlderThan"]),
    };
    Err(invalid(cause))
}
