//! How to reach the API server.

use serde::{Deserialize, Serialize, Serializer};

use super::or_unset;

/// How to reach the API server (`clientConnection`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ClientConnectionConfiguration {
    /// The kubeconfig file; empty for the credentials of the pod that the proxy runs in.
    #[serde(deserialize_with = "or_unset")]
    pub kubeconfig: String,
    /// The media types to accept in answers.
    #[serde(deserialize_with = "or_unset")]
    pub accept_content_types: String,
    /// The media type to send.
    #[serde(deserialize_with = "or_unset")]
    pub content_type: String,
    /// Requests a second, on average.
    #[serde(deserialize_with = "or_unset", serialize_with = "whole_if_it_is")]
    pub qps: f64,
    /// Requests at once beyond that.
    #[serde(deserialize_with = "or_unset")]
    pub burst: i32,
}

/// Writes 5 and not 5.0, as Go does.
fn whole_if_it_is<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    // Every whole number up to here is exact in a float.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= LARGEST {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}
