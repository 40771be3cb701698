//! What any reply must be.

use hickory_proto::op::Message;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
use tidegate_dns_wire::{HEADER, Query, Transport};

/// The longest reply that every client takes over UDP (RFC 1035, 4.2.1).
const PLAIN_PAYLOAD: u16 = 512;

/// Says what is wrong with the replies to a packet.
pub(super) fn complaint(
    packet: &[u8],
    transport: Transport,
    replies: &[Vec<u8>],
) -> Option<String> {
    replies
        .iter()
        .find_map(|reply| of_one(packet, transport, reply).err())
}

/// Every packet gets a reply that has a whole header and isn't a reply itself.
pub(super) fn deserves_reply(packet: &[u8]) -> bool {
    packet.len() >= HEADER && packet[2] & 0x80 == 0
}

/// Reads a message that has nothing behind its last record.
pub(super) fn read(octets: &[u8]) -> Result<Message, String> {
    let mut decoder = BinDecoder::new(octets);
    let message = Message::read(&mut decoder).map_err(|error| format!("unreadable: {error}"))?;
    match decoder.is_empty() {
        true => Ok(message),
        false => Err("there is more than its header tells".to_owned()),
    }
}

fn of_one(packet: &[u8], transport: Transport, reply: &[u8]) -> Result<(), String> {
    if !deserves_reply(packet) {
        return Err("what is no question is answered".to_owned());
    }
    let message = read(reply)?;
    if reply.len() > longest(packet, transport) {
        let longest = longest(packet, transport);
        return Err(format!("{} octets where {longest} fit", reply.len()));
    }
    if reply[..2] != packet[..2] || reply[2] & 0x80 == 0 {
        return Err("it doesn't bear the question's identifier, or isn't a reply".to_owned());
    }
    if (reply[2] ^ packet[2]) & 0x79 != 0 {
        return Err("the operation or whether recursion is desired isn't repeated".to_owned());
    }
    let code = u16::from(message.metadata.response_code);
    if message.queries.is_empty() {
        // Whose question can't be read gets a header alone.
        return match (code, reply.len()) {
            (1 | 4, HEADER) => Ok(()),
            _ => Err(format!("the question is missing with code {code}")),
        };
    }
    let question = Query::read(packet, transport).map_err(|_| "what can't be read is answered")?;
    let asked = question.question();
    if reply.get(HEADER..HEADER + asked.len()) != Some(asked) {
        return Err("the question isn't repeated letter by letter".to_owned());
    }
    if message.edns.is_some() && question.edns.is_none() {
        return Err("EDNS without having been asked for".to_owned());
    }
    Ok(())
}

/// The longest reply that a client takes, by what others read in its packet, and where they can't
/// read it, by what we do.
fn longest(packet: &[u8], transport: Transport) -> usize {
    if transport == Transport::Tcp {
        return usize::from(u16::MAX);
    }
    let payload = match Message::from_vec(packet) {
        Ok(message) => message.edns.as_ref().map(|edns| edns.max_payload()),
        Err(_) => {
            let ours = Query::read(packet, transport).ok();
            ours.map(|query| query.longest_reply() as u16)
        }
    };
    usize::from(payload.unwrap_or(PLAIN_PAYLOAD).max(PLAIN_PAYLOAD))
}
