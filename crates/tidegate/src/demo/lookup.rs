//! A DNS client of one question, so that the demo shows what a pod would see.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use tokio::net::UdpSocket;

/// Asks a server for the IPv4 address of a name.
pub(crate) async fn address_of(name: &str, server: IpAddr) -> anyhow::Result<IpAddr> {
    let mut question = Message::query();
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(Name::from_ascii(name)?, RecordType::A));
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    socket.connect(SocketAddr::new(server, 53)).await?;
    socket.send(&question.to_vec()?).await?;
    let mut buffer = [0; 1232];
    let length = tokio::time::timeout(Duration::from_secs(2), socket.recv(&mut buffer))
        .await
        .with_context(|| format!("no answer from the DNS server {server} about {name}"))??;
    let answer = Message::from_vec(&buffer[..length])?;
    if answer.metadata.response_code != ResponseCode::NoError {
        bail!(
            "the DNS server {server} says {} about {name}",
            answer.metadata.response_code
        );
    }
    let mut addresses = answer
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            _ => None,
        });
    addresses
        .next()
        .with_context(|| format!("the DNS server {server} has no address for {name}"))
}
