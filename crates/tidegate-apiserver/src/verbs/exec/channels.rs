//! Streams side by side in one WebSocket: each message begins with the number of its channel.
//!
//! The protocols are upstream's `v4.channel.k8s.io` and `v5.channel.k8s.io`, in which the client
//! can also say that its input is at its end.

use axum::extract::ws::Message;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{error::ApiError, pod_access::TerminalSize};

const STDIN: u8 = 0;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;
/// How it ended, as a `Status`.
pub(super) const ERROR: u8 = 3;
const RESIZE: u8 = 4;
/// The end of the channel that the next byte names.
const CLOSE: u8 = 255;

/// How messages are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    V4,
    V5,
}

/// A message of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FromClient {
    Input(Bytes),
    InputEnds,
    Resize(TerminalSize),
    /// Nothing that is known; later protocols may have more.
    Other,
}

impl Protocol {
    /// The newest one that the client speaks.
    pub(super) fn choose(headers: &HeaderMap) -> Result<Self, ApiError> {
        let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let offered: Vec<&str> = offered
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let known = [Self::V5, Self::V4];
        let chosen = known
            .into_iter()
            .find(|known| offered.contains(&known.name()));
        chosen.ok_or_else(|| {
            ApiError::BadRequest(format!(
                "this server speaks v5.channel.k8s.io and v4.channel.k8s.io, and the client offers \
                 {offered:?} in Sec-WebSocket-Protocol"
            ))
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::V4 => "v4.channel.k8s.io",
            Self::V5 => "v5.channel.k8s.io",
        }
    }

    pub(super) fn read(self, mut message: Bytes) -> FromClient {
        if message.is_empty() {
            return FromClient::Other;
        }
        let content = message.split_off(1);
        match message[0] {
            STDIN => FromClient::Input(content),
            RESIZE => size(&content).map_or(FromClient::Other, FromClient::Resize),
            CLOSE if self == Self::V5 && content.first() == Some(&STDIN) => FromClient::InputEnds,
            _ => FromClient::Other,
        }
    }
}

/// A piece of a channel.
pub(super) fn message(channel: u8, content: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(content.len() + 1);
    message.extend_from_slice(&[channel]);
    message.extend_from_slice(content);
    Message::Binary(message.freeze())
}

/// The last message: how the command ended, as clients of the remote command protocol read it.
pub(super) fn ending(exit: &Result<i32, String>) -> Message {
    let status = match exit {
        Ok(0) => json!({"metadata": {}, "status": "Success"}),
        Ok(code) => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: {code}"),
            "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]},
        }),
        Err(message) => json!(ApiError::Internal(message.clone()).to_status()),
    };
    message(ERROR, status.to_string().as_bytes())
}

fn size(content: &[u8]) -> Option<TerminalSize> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Size {
        width: u16,
        height: u16,
    }
    // Some clients send a line, some end it: both are JSON to this parser.
    let value: Value = serde_json::from_slice(content).ok()?;
    let Size { width, height } = Size::deserialize(value).ok()?;
    Some(TerminalSize { width, height })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(offered: &str) -> HeaderMap {
        let value = offered.parse().expect("a header");
        HeaderMap::from_iter([(header::SEC_WEBSOCKET_PROTOCOL, value)])
    }

    #[test]
    fn the_newest_protocol_that_both_know_is_chosen() {
        let chosen = |offered| Protocol::choose(&headers(offered)).ok();
        let all = "v5.channel.k8s.io, v4.channel.k8s.io,v3.channel.k8s.io";
        assert_eq!(chosen(all), Some(Protocol::V5));
        assert_eq!(
            chosen("channel.k8s.io,v4.channel.k8s.io"),
            Some(Protocol::V4)
        );
        assert_eq!(chosen("v3.channel.k8s.io"), None);
        assert!(Protocol::choose(&HeaderMap::new()).is_err());
    }

    #[test]
    fn messages_are_told_apart_by_their_first_byte() {
        let read = |bytes: &'static [u8]| Protocol::V5.read(Bytes::from_static(bytes));
        let size = TerminalSize {
            width: 80,
            height: 24,
        };
        assert_eq!(read(b"\x00abc"), FromClient::Input("abc".into()));
        assert_eq!(read(b"\x00"), FromClient::Input(Bytes::new()));
        let resize = b"\x04{\"Width\":80,\"Height\":24}\n";
        assert_eq!(read(resize), FromClient::Resize(size));
        assert_eq!(read(b"\xff\x00"), FromClient::InputEnds);
        let closed = Protocol::V4.read(Bytes::from_static(b"\xff\x00"));
        assert_eq!(closed, FromClient::Other);
        let nonsense: [&[u8]; 7] = [
            b"",
            b"\x01x",
            b"\x04",
            b"\x04{\"Width\":-1,\"Height\":70000}",
            b"\xff",
            b"\xff\x01",
            b"\x99",
        ];
        for bytes in nonsense {
            assert_eq!(read(bytes), FromClient::Other, "{bytes:?}");
        }
    }

    #[test]
    fn an_exit_code_is_found_where_kubectl_looks_for_it() {
        let status = |exit: Result<i32, String>| -> Value {
            let Message::Binary(bytes) = ending(&exit) else {
                panic!("a binary message");
            };
            assert_eq!(bytes[0], ERROR);
            serde_json::from_slice(&bytes[1..]).expect("JSON")
        };
        assert_eq!(status(Ok(0))["status"], "Success");
        let seven = status(Ok(7));
        assert_eq!(seven["reason"], "NonZeroExitCode");
        let cause = json!([{"reason": "ExitCode", "message": "7"}]);
        assert_eq!(seven["details"]["causes"], cause);
        assert_eq!(
            status(Err("x".into()))["message"],
            "Internal error occurred: x"
        );
    }
}
