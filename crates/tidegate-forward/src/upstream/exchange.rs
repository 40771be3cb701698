//! One question to one server, by whatever way it takes.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::query::{Query, is_format_error, is_truncated};
use super::{Transport, connection, udp};
use crate::counters::UpstreamCounters;
use crate::question::OwnedQuestion;
use crate::stored::{NormaliseError, Reply};

/// Why a server gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExchangeError {
    #[error("it gave no answer within {0:?}")]
    TooSlow(Duration),
    #[error("the network gave up: {0}")]
    Network(#[from] io::Error),
    #[error("over TCP it answered another question than the one that was asked")]
    WrongAnswer,
    #[error(transparent)]
    Unusable(#[from] NormaliseError),
}

/// Asks with EDNS, and without it if the server doesn't understand that (RFC 6891, 7).
pub(super) async fn ask(
    transport: &Transport,
    counters: &UpstreamCounters,
    question: &OwnedQuestion,
) -> Result<Reply, ExchangeError> {
    let mut reply = send(transport, counters, question, &Query::new(question, true)).await?;
    if is_format_error(&reply) {
        reply = send(transport, counters, question, &Query::new(question, false)).await?;
    }
    Ok(Reply::read(&question.as_question(), &reply)?)
}

/// Whole replies are asked for over TCP, as those clients came who want them; if that doesn't work,
/// what UDP brings is better than nothing. A reply that was cut off is asked for again over TCP if
/// UDP was only preferred.
async fn send(
    transport: &Transport,
    counters: &UpstreamCounters,
    question: &OwnedQuestion,
    query: &Query,
) -> Result<Vec<u8>, ExchangeError> {
    let habits = transport.habits;
    let over_tcp = || {
        let asking = connection::ask(transport, counters, query);
        within(habits.patience, asking)
    };
    if transport.tls.is_some() || habits.force_tcp {
        return over_tcp().await;
    }
    if question.whole && !habits.prefer_udp {
        match over_tcp().await {
            Ok(reply) => return Ok(reply),
            Err(error) => {
                tracing::debug!(upstream = %transport.address, %error, "TCP doesn't work there");
            }
        }
    }
    let asking = async { Ok(udp::ask(transport.address, query).await?) };
    let reply = within(habits.patience, asking).await?;
    if habits.prefer_udp && is_truncated(&reply) {
        match over_tcp().await {
            Ok(whole) => return Ok(whole),
            Err(error) => {
                tracing::debug!(upstream = %transport.address, %error, "a reply stays cut off");
            }
        }
    }
    Ok(reply)
}

async fn within<T>(
    patience: Duration,
    asking: impl Future<Output = Result<T, ExchangeError>>,
) -> Result<T, ExchangeError> {
    match timeout(patience, asking).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ExchangeError::TooSlow(patience)),
    }
}

/// Asks for anything, by the way that questions take; whether anything came back.
pub(super) async fn probe(
    transport: &Transport,
    counters: &UpstreamCounters,
    query: &Query,
    patience: Duration,
) -> Result<(), ExchangeError> {
    let over_connections = transport.tls.is_some() || transport.habits.force_tcp;
    let asking = async {
        if over_connections {
            connection::ask(transport, counters, query).await?;
        } else {
            udp::ask(transport.address, query).await?;
        }
        Ok(())
    };
    within(patience, asking).await
}
