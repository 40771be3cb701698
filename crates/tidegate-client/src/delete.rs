//! Removes objects.

use http::Method;
use serde_json::Value;

use crate::connect::Connection;
use crate::{ClientError, Kind, Resource};

/// Asks the server to delete an object; its dependents follow in the background.
///
/// # Errors
/// The object isn't there, the server refuses or doesn't answer.
pub async fn delete(
    connection: &Connection,
    kind: &Kind,
    namespace: &str,
    name: &str,
) -> Result<(), ClientError> {
    let path =
        Resource::new(kind, Some(namespace)).path(Some(name)) + "?propagationPolicy=Background";
    let _: Value = connection
        .send(Method::DELETE, &path, "application/json", None)
        .await?;
    Ok(())
}
