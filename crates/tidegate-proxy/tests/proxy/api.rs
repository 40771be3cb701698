//! An API server in memory that takes Events.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

#[derive(Clone, Default)]
pub(crate) struct Api {
    events: Arc<Mutex<Vec<Value>>>,
    /// Requests hang, as they do when the API is away.
    is_away: bool,
}

impl Api {
    pub(crate) fn away() -> Self {
        Self {
            is_away: true,
            ..Self::default()
        }
    }

    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.expect("a body").to_bytes();
                if api.is_away {
                    std::future::pending::<()>().await;
                }
                let answer = api.answer(&head.method, &head.uri.to_string(), &body);
                let (status, answer) = answer.unwrap_or_else(|| {
                    (
                        StatusCode::NOT_FOUND,
                        json!({"kind": "Status", "status": "Failure", "code": 404}),
                    )
                });
                let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        });
        Client::new(service, "default")
    }

    fn answer(&self, method: &Method, uri: &str, body: &[u8]) -> Option<(StatusCode, Value)> {
        if *method == Method::POST
            && uri.starts_with("/apis/events.k8s.io/v1/namespaces/default/events")
        {
            let event: Value = serde_json::from_slice(body).ok()?;
            self.events.lock().expect("no panic").push(event.clone());
            return Some((StatusCode::CREATED, event));
        }
        let (_, name) = uri
            .strip_prefix("/api/v1/namespaces/default/services?")?
            .split_once("metadata.name%3D")?;
        let service = json!({"metadata": {"namespace": "default", "name": name, "uid": format!("uid-of-{name}")}});
        Some((StatusCode::OK, json!({"metadata": {}, "items": [service]})))
    }

    /// Reason, name and uid of the object, and note of every Event, a line each.
    pub(crate) fn told(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let line = |event: &Value| {
            let regarding = &event["regarding"];
            format!(
                "{} {} {}/{} ({}): {}",
                text(&event["type"]),
                text(&event["reason"]),
                text(&regarding["kind"]),
                text(&regarding["name"]),
                text(&regarding["uid"]),
                text(&event["note"]),
            )
        };
        self.events
            .lock()
            .expect("no panic")
            .iter()
            .map(line)
            .collect()
    }

    pub(crate) fn first(&self) -> Value {
        self.events.lock().expect("no panic")[0].clone()
    }
}
