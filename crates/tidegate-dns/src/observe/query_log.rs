//! Queries in the log (CoreDNS's `log`).

use std::time::Duration;

use tidegate_dns_config::{LogClass, LogFormat};
use tidegate_dns_wire::{LowerName, Transport};

use crate::block::Asked;

/// Which queries of a server block go to the log, and how.
#[derive(Debug, Default)]
pub(crate) struct QueryLog(pub(crate) Vec<LogRule>);

/// One `log` of a Corefile.
#[derive(Debug)]
pub(crate) struct LogRule {
    /// The domains whose queries are logged.
    pub(crate) names: Vec<LowerName>,
    pub(crate) classes: Vec<LogClass>,
    pub(crate) format: LogFormat,
}

impl QueryLog {
    /// Logs a query, if a rule is for it.
    #[inline]
    pub(crate) fn note(&self, asked: &Asked<'_>, reply: &[u8], took: Duration) {
        if self.0.is_empty() {
            return;
        }
        let rule = self.0.iter().find(|rule| {
            let mut names = rule.names.iter();
            names.any(|zone| asked.query.name.labels_before(zone).is_some())
        });
        let Some(rule) = rule else {
            return;
        };
        let wanted = rule.classes.iter().any(|class| is_of(*class, reply));
        if wanted {
            tracing::info!(target: "tidegate_dns::queries", "{}", line(asked, reply, took, rule.format));
        }
    }
}

fn is_of(class: LogClass, reply: &[u8]) -> bool {
    let code = reply.get(3).map_or(0, |octet| octet & 0x0f);
    let has_answers = reply.get(6..8) != Some(&[0, 0]);
    match class {
        LogClass::All => true,
        LogClass::Success => code == 0 && has_answers,
        LogClass::Denial => code == 3 || code == 0 && !has_answers,
        LogClass::Error => !matches!(code, 0 | 3),
    }
}

/// A line in CoreDNS's common format: client, identifier, question, then what became of it.
fn line(asked: &Asked<'_>, reply: &[u8], took: Duration, format: LogFormat) -> String {
    let query = asked.query;
    let protocol = match asked.origin.transport {
        Transport::Udp => "udp",
        Transport::Tcp => "tcp",
    };
    let id = u16::from_be_bytes([query.header()[0], query.header()[1]]);
    let code = tidegate_dns_wire::Code(reply.get(3).map_or(0, |octet| u16::from(octet & 0x0f)));
    let common = format!(
        "{} - {id} \"{} IN {} {protocol} {} {} {}\" {code} {} {} {:.9}s",
        asked.origin.client,
        query.kind,
        query.name,
        query.packet().len(),
        query.dnssec_ok(),
        query.longest_reply(),
        flags(reply),
        reply.len(),
        took.as_secs_f64(),
    );
    match format {
        LogFormat::Common => common,
        LogFormat::Combined => {
            let opcode = query.header()[2] >> 3 & 0x0f;
            format!("{common} {opcode}")
        }
    }
}

/// The flags of a reply by their names.
fn flags(reply: &[u8]) -> String {
    let [high, low] = [2, 3].map(|at| reply.get(at).copied().unwrap_or_default());
    let named = [
        (high & 0x80, "qr"),
        (high & 0x04, "aa"),
        (high & 0x02, "tc"),
        (high & 0x01, "rd"),
        (low & 0x80, "ra"),
        (low & 0x20, "ad"),
        (low & 0x10, "cd"),
    ];
    let set = named.iter().filter(|(bit, _)| *bit != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}
