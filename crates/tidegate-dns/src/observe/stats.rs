//! What a server block has answered, as CoreDNS's dashboards want to know it.

use std::time::Duration;

use tidegate_dns_wire::{Code, Kind, Transport};
use tidegate_forward::HISTOGRAM_BOUNDS as TIMES;
use tidegate_pages::{Counter, Histogram, Tally};

use crate::block::Asked;

/// The types that are told apart; the others are counted together. CoreDNS's list.
pub(super) const KINDS: [Kind; 15] = [
    Kind::A,
    Kind::AAAA,
    Kind::CNAME,
    Kind::DNSKEY,
    Kind::DS,
    Kind::HTTPS,
    Kind::MX,
    Kind::NS,
    Kind::NSEC,
    Kind::PTR,
    Kind::RRSIG,
    Kind::SOA,
    Kind::SRV,
    Kind::SVCB,
    Kind::TXT,
];

/// Response codes up to this one are told apart.
const CODES: usize = 16;

/// The upper bounds of sizes in octets.
pub(super) const SIZES: [f64; 14] = [
    0.0, 100.0, 200.0, 300.0, 400.0, 511.0, 1023.0, 2047.0, 4095.0, 8291.0, 16e3, 32e3, 48e3, 64e3,
];

/// What one block has answered. Each thread that answers has counters of its own, so that they
/// don't fight for them.
#[derive(Debug)]
pub(crate) struct BlockStats(Box<[Share]>);

/// One thread's counters, on memory lines that no other thread writes.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Share {
    requests: [[[Counter; KINDS.len() + 1]; 2]; 2],
    responses: [Counter; CODES + 1],
    took: Histogram<{ TIMES.len() }>,
    request_sizes: [Histogram<{ SIZES.len() }>; 2],
    response_sizes: [Histogram<{ SIZES.len() }>; 2],
}

/// Protocols and families in the order of their counters, as metrics call them.
pub(super) const PROTOCOLS: [&str; 2] = ["udp", "tcp"];
pub(super) const FAMILIES: [&str; 2] = ["1", "2"];

impl BlockStats {
    /// Counters for so many threads; the last one shares its own with everybody else.
    pub(crate) fn new(workers: usize) -> Self {
        Self((0..workers.max(1)).map(|_| Share::default()).collect())
    }

    /// Counts a query and its reply.
    #[inline]
    pub(crate) fn count(&self, asked: &Asked<'_>, reply: &[u8], took: Duration) {
        let worker = asked.origin.worker.min(self.0.len() - 1);
        let Some(share) = self.0.get(worker) else {
            return;
        };
        let protocol = usize::from(asked.origin.transport == Transport::Tcp);
        let family = usize::from(asked.origin.client.is_ipv6());
        let kinds = KINDS.iter().position(|kind| *kind == asked.query.kind);
        share.requests[protocol][family][kinds.unwrap_or(KINDS.len())].increment();
        let code = reply.get(3).map_or(0, |octet| usize::from(octet & 0x0f));
        share.responses[code.min(CODES)].increment();
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        share.took.observe(&TIMES, took.as_secs_f64(), nanoseconds);
        let sizes = [
            (&share.request_sizes, asked.query.packet().len()),
            (&share.response_sizes, reply.len()),
        ];
        for (histograms, size) in sizes {
            histograms[protocol].observe(&SIZES, size as f64, size as u64);
        }
    }

    /// Questions by protocol, family and type.
    pub(super) fn requests(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static str, String, u64)> {
        let places = (0..2).flat_map(|protocol| {
            (0..2)
                .flat_map(move |family| (0..=KINDS.len()).map(move |kind| (protocol, family, kind)))
        });
        places.map(|(protocol, family, kind)| {
            let count = self
                .0
                .iter()
                .map(|share| share.requests[protocol][family][kind].get());
            let name = KINDS.get(kind).map_or("other".to_owned(), Kind::to_string);
            (PROTOCOLS[protocol], FAMILIES[family], name, count.sum())
        })
    }

    /// Replies by code.
    pub(super) fn responses(&self) -> impl Iterator<Item = (String, u64)> {
        (0..=CODES).map(|code| {
            let count = self.0.iter().map(|share| share.responses[code].get()).sum();
            (Code(code as u16).to_string(), count)
        })
    }

    /// How long answers took, with sums in nanoseconds.
    pub(super) fn took(&self) -> Tally<{ TIMES.len() }> {
        self.0.iter().map(|share| share.took.tally()).sum()
    }

    /// How large queries over a protocol were.
    pub(super) fn request_sizes(&self, protocol: usize) -> Tally<{ SIZES.len() }> {
        let of_threads = self.0.iter().map(|share| &share.request_sizes[protocol]);
        of_threads.map(Histogram::tally).sum()
    }

    /// How large replies over a protocol were.
    pub(super) fn response_sizes(&self, protocol: usize) -> Tally<{ SIZES.len() }> {
        let of_threads = self.0.iter().map(|share| &share.response_sizes[protocol]);
        of_threads.map(Histogram::tally).sum()
    }
}
