//! Asking every row of a table in every way.

use tidegate_dns_wire::Transport;

use crate::packet::{self, Edns, Letters};
use crate::row::{Only, Row};
use crate::verdict;

/// The cluster's domain in all tables.
pub(crate) const ZONE: &str = "cluster.local.";

/// The longest answer that any client takes over UDP (RFC 1035, 4.2.1).
pub(crate) const PLAIN_PAYLOAD: usize = 512;

/// The longest answer that our servers give over UDP.
pub(crate) const OWN_PAYLOAD: u16 = 1232;

/// Gives the reply to a packet, or `None` where that is for others to give.
pub type Ask<'a> = &'a dyn Fn(&[u8], Transport) -> Option<Vec<u8>>;

/// One way of asking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) transport: Transport,
    pub(crate) letters: Letters,
    pub(crate) edns: Option<Edns>,
}

/// Asks all rows, and gives what is wrong with the answers.
pub fn check(rows: &[Row], ask: Ask<'_>) -> Vec<String> {
    let complaints = rows.iter().filter_map(|row| {
        ways(row)
            .into_iter()
            .find_map(|way| ask_once(row, way, ask).err())
    });
    complaints.collect()
}

/// Asks one way, and where the answer is short, also without EDNS over UDP.
fn ask_once(row: &Row, way: Way, ask: Ask<'_>) -> Result<(), String> {
    let packet = packet::of(row, way.letters, way.edns);
    let reply_to = |way: Way| {
        let reply = ask(&packet, way.transport).ok_or("it is left to others".to_owned());
        let length = reply.and_then(|reply| verdict::check(row, way, &packet, &reply));
        length.map_err(|complaint| describe(row, way, &complaint))
    };
    let length = reply_to(way)?;
    if is_short_enough(row, way, length) {
        let transport = Transport::Udp;
        reply_to(Way { transport, ..way })?;
    }
    Ok(())
}

/// How a row's question is put: over both transports, in both letter cases, and with several sizes
/// of EDNS, where the row doesn't say otherwise.
fn ways(row: &Row) -> Vec<Way> {
    let manner = row.manner;
    let with = |payload| Edns {
        payload,
        version: manner.version,
        dnssec_ok: manner.dnssec_ok,
        options: manner.options,
    };
    let usual = Some(with(OWN_PAYLOAD));
    let talkative = Some(Edns {
        dnssec_ok: true,
        options: true,
        ..with(4096)
    });
    let (over_udp, over_tcp) = match manner.edns {
        Some(payload) => (vec![payload.map(with)], vec![payload.map(with)]),
        None => (vec![usual, talkative], vec![None, usual]),
    };
    let mut ways = Vec::new();
    for letters in [Letters::AsWritten, Letters::Mixed] {
        let way = |transport| {
            move |edns: &Option<Edns>| Way {
                transport,
                letters,
                edns: *edns,
            }
        };
        if manner.only != Some(Only::Tcp) {
            ways.extend(over_udp.iter().map(way(Transport::Udp)));
        }
        if manner.only != Some(Only::Udp) {
            ways.extend(over_tcp.iter().map(way(Transport::Tcp)));
        }
    }
    ways
}

/// Whether what came over TCP must be the same over UDP.
fn is_short_enough(row: &Row, way: Way, length: usize) -> bool {
    way.transport == Transport::Tcp
        && way.edns.is_none()
        && row.manner.only.is_none()
        && row.manner.edns.is_none()
        && length <= PLAIN_PAYLOAD
}

fn describe(row: &Row, way: Way, complaint: &str) -> String {
    format!("{row} {way:?}: {complaint}")
}
