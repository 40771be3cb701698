//! list, as a whole or page by page.
//!
//! The store keeps only the newest state, so a later page may show an object as it became after
//! the first page. All pages carry the first one's revision: a watch from there reports what has
//! changed since, and the client ends with the right picture.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tidegate_store::Revision;

use super::revision::wanted_and_reached;
use crate::{
    api::Api,
    error::ApiError,
    request::{ListOptions, ObjectPath},
    respond::ListAnswer,
    selector::Selector,
    storage::{Raw, collection_prefix},
};

/// At least this many entries are looked at in one go, however few are wanted: a selector may match
/// only some.
const SMALLEST_STEP: usize = 500;

/// Where the next page of a list begins.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Continuation {
    /// The revision that all pages show.
    revision: u64,
    /// The last key that was looked at, without the collection's prefix.
    after: String,
}

/// The objects that match; one page of them if there is a limit.
pub(super) async fn list(
    api: &Api,
    path: &ObjectPath,
    selector: &Selector,
    options: &ListOptions,
) -> Result<ListAnswer, ApiError> {
    let (kind, namespace) = (path.kind, path.namespace.as_deref());
    let prefix = collection_prefix(kind, namespace);
    let (mut revision, mut after) = beginning(api, path, &prefix, options).await?;
    let limit = options
        .limit
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let mut items = Vec::new();
    loop {
        let step = limit.max(SMALLEST_STEP);
        let page = api
            .objects
            .list(kind, namespace, selector, after.as_deref(), step)
            .await?;
        let revision = *revision.get_or_insert(page.revision);
        let mut entries = page.entries.into_iter().peekable();
        while let Some(entry) = entries.next() {
            let raw = Raw {
                bytes: entry.value,
                revision: entry.modified,
            };
            if selector.matches(kind, &entry.key, &raw)? {
                items.push(raw);
            }
            let more_follow = entries.peek().is_some() || page.more;
            if items.len() == limit && more_follow {
                let after = entry
                    .key
                    .strip_prefix(&prefix)
                    .unwrap_or_default()
                    .to_owned();
                let token = Continuation {
                    revision: revision.0,
                    after,
                };
                return Ok(ListAnswer {
                    items,
                    revision,
                    continue_token: Some(token.encode()?),
                });
            }
            after = Some(entry.key.to_string());
        }
        if !page.more {
            return Ok(ListAnswer {
                items,
                revision,
                continue_token: None,
            });
        }
    }
}

/// The revision to show and the key to begin after, if the request decides on them.
async fn beginning(
    api: &Api,
    path: &ObjectPath,
    prefix: &str,
    options: &ListOptions,
) -> Result<(Option<Revision>, Option<String>), ApiError> {
    if let Some(token) = Continuation::of(options)? {
        check_still_known(api, path, Revision(token.revision)).await?;
        let after = format!("{prefix}{}", token.after);
        return Ok((Some(Revision(token.revision)), Some(after)));
    }
    let newest = api.objects.revision();
    let exact = options.resource_version_match.as_deref() == Some("Exact");
    match wanted_and_reached(api, options)? {
        Some(wanted) if exact && wanted != newest => Err(ApiError::too_old(wanted.0, newest.0)),
        _ => Ok((None, None)),
    }
}

/// A list that is continued must be able to be followed by a watch from its first page.
async fn check_still_known(
    api: &Api,
    path: &ObjectPath,
    revision: Revision,
) -> Result<(), ApiError> {
    let everything = Selector::default();
    let namespace = path.namespace.as_deref();
    let watch = api
        .objects
        .watch(path.kind, namespace, &everything, revision)
        .await;
    watch.map(drop).map_err(|_| {
        ApiError::Expired(
            "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter."
                .to_owned(),
        )
    })
}

impl Continuation {
    fn of(options: &ListOptions) -> Result<Option<Self>, ApiError> {
        let token = options.continue_token.as_deref().unwrap_or_default();
        if token.is_empty() {
            return Ok(None);
        }
        let json = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok())
            .map(Some)
            .ok_or_else(|| {
                let message = "continue key is not valid: this server did not give it";
                ApiError::BadRequest(message.to_owned())
            })
    }

    fn encode(&self) -> Result<String, ApiError> {
        let json = serde_json::to_vec(self).map_err(|error| {
            ApiError::Internal(format!("a continue key can't be written: {error}"))
        })?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_key_is_understood_again() {
        let token = Continuation {
            revision: 7,
            after: "default/web".to_owned(),
        };
        let continue_token = Some(token.encode().expect("encoded"));
        let options = ListOptions {
            continue_token,
            ..ListOptions::default()
        };
        assert_eq!(Continuation::of(&options).expect("read"), Some(token));
    }
}
