//! Lists. Plain JSON lists are written piece by piece, so that a large one never stands in memory
//! as a whole a second time.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::stream;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tidegate_store::Revision;

use super::View;
use crate::{error::ApiError, request::Shape, storage::Raw};

/// How much of a list is written at a time.
const PIECE_BYTES: usize = 64 * 1024;

/// The objects of one answer.
pub(crate) struct ListAnswer {
    pub(crate) items: Vec<Raw>,
    pub(crate) revision: Revision,
    /// Where the next page begins, if there is one.
    pub(crate) continue_token: Option<String>,
}

/// The answer to a list request.
pub(crate) fn list_response(view: &View, answer: ListAnswer) -> Result<Response, ApiError> {
    let mut metadata = json!({"resourceVersion": answer.revision.0.to_string()});
    if let Some(token) = &answer.continue_token {
        metadata["continue"] = json!(token);
    }
    if view.is_json() && view.shape() == Shape::Object {
        return Ok(streamed(view, answer.items, &metadata));
    }
    view.value_response(&view.list_value(&answer.items, metadata)?)
}

fn streamed(view: &View, items: Vec<Raw>, metadata: &Value) -> Response {
    let head = format!(
        r#"{{"kind":"{}List","apiVersion":"{}","metadata":{metadata},"items":["#,
        view.kind.kind,
        view.kind.api_version(),
    );
    let state = Pieces {
        view: view.clone(),
        items: items.into_iter(),
        pending: head.into_bytes(),
        first: true,
        ended: false,
    };
    let pieces = stream::unfold(state, |mut state| async move {
        let piece = state.next_piece()?;
        Some((piece, state))
    });
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (StatusCode::OK, content_type, Body::from_stream(pieces)).into_response()
}

struct Pieces {
    view: View,
    items: std::vec::IntoIter<Raw>,
    pending: Vec<u8>,
    first: bool,
    ended: bool,
}

impl Pieces {
    fn next_piece(&mut self) -> Option<Result<Bytes, ApiError>> {
        if self.ended {
            return None;
        }
        let mut piece = std::mem::take(&mut self.pending);
        while piece.len() < PIECE_BYTES {
            let Some(raw) = self.items.next() else {
                piece.extend_from_slice(b"]}\n");
                self.ended = true;
                break;
            };
            if !std::mem::take(&mut self.first) {
                piece.push(b',');
            }
            // The answer has begun: an unreadable object can only cut it off.
            if let Err(error) = self.view.write(&raw, false, &mut piece) {
                self.ended = true;
                return Some(Err(error));
            }
        }
        Some(Ok(piece.into()))
    }
}
