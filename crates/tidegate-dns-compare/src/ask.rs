//! A DNS client of one question at a time.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;

/// Longer than any server needs to load its zones.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long to wait for one answer.
const ONE_ANSWER: Duration = Duration::from_secs(1);

/// A client of one server about one name.
pub(crate) struct Asker {
    socket: UdpSocket,
    question: Vec<u8>,
    name: String,
}

impl Asker {
    /// A client of the server at this port of 127.0.0.1.
    pub(crate) async fn new(port: u16, name: &str) -> anyhow::Result<Self> {
        let mut question = Message::query();
        question.metadata.recursion_desired = true;
        question.add_query(Query::query(Name::from_ascii(name)?, RecordType::A));
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        socket.connect((Ipv4Addr::LOCALHOST, port)).await?;
        Ok(Self {
            socket,
            question: question.to_vec()?,
            name: name.to_owned(),
        })
    }

    /// The name's addresses at this moment; none if nobody answers.
    pub(crate) async fn ask(&self) -> Option<Vec<Ipv4Addr>> {
        // Who doesn't listen yet refuses the question, as the next call tells; that is no answer.
        self.socket.send(&self.question).await.ok()?;
        let mut buffer = [0; 4096];
        let received = tokio::time::timeout(ONE_ANSWER, self.socket.recv(&mut buffer)).await;
        let length = received.ok()?.ok()?;
        let answer = Message::from_vec(buffer.get(..length)?).ok()?;
        let addresses = answer
            .answers
            .iter()
            .filter_map(|record| match record.data {
                RData::A(address) => Some(address.0),
                _ => None,
            });
        Some(addresses.collect())
    }

    /// Asks again and again until the answer has `address` in it, or any address if none is named.
    pub(crate) async fn until(&self, address: Option<Ipv4Addr>) -> anyhow::Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let answer = self.ask().await;
            let is_seen = answer.as_ref().is_some_and(|answer| match address {
                Some(address) => answer.contains(&address),
                None => !answer.is_empty(),
            });
            if is_seen {
                return Ok(());
            }
            if answer.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        bail!("{} never had its address", self.name)
    }
}

/// Waits until the server at a port knows an address of a name.
pub(crate) async fn until_answered(port: u16, name: &str) -> anyhow::Result<()> {
    let asker = Asker::new(port, name).await?;
    asker
        .until(None)
        .await
        .with_context(|| format!("port {port}"))
}
