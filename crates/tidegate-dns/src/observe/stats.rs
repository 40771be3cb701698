//! What a server block has answered, as CoreDNS's dashboards want to know it.

use std::time::Duration;

use tidegate_dns_wire::{Code, Kind, Transport};

use super::counters::Counter;
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

/// The upper bounds of times in seconds: from 0.25 ms on, each twice the one before.
pub(super) const TIMES: [f64; 16] = [
    0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024,
    2.048, 4.096, 8.192,
];

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
    took: Histogram<{ TIMES.len() + 1 }>,
    request_sizes: [Histogram<{ SIZES.len() + 1 }>; 2],
    response_sizes: [Histogram<{ SIZES.len() + 1 }>; 2],
}

#[derive(Debug)]
struct Histogram<const N: usize> {
    buckets: [Counter; N],
    sum: Counter,
}

/// A histogram as a page has it.
pub(super) struct Summed {
    pub(super) buckets: Vec<(f64, u64)>,
    pub(super) count: u64,
    pub(super) sum: f64,
}

/// Protocols and families in the order of their counters, as metrics call them.
pub(super) const PROTOCOLS: [&str; 2] = ["udp", "tcp"];
pub(super) const FAMILIES: [&str; 2] = ["1", "2"];

impl<const N: usize> Default for Histogram<N> {
    fn default() -> Self {
        Self {
            buckets: std::array::from_fn(|_| Counter::default()),
            sum: Counter::default(),
        }
    }
}

impl<const N: usize> Histogram<N> {
    #[inline]
    fn observe(&self, bounds: &[f64], value: f64, exact: u64) {
        let place = bounds.iter().position(|bound| value <= *bound);
        if let Some(bucket) = self.buckets.get(place.unwrap_or(bounds.len())) {
            bucket.increment();
        }
        self.sum.add(exact);
    }
}

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

    /// How long answers took.
    pub(super) fn took(&self) -> Summed {
        summed(self.0.iter().map(|share| &share.took), &TIMES, 1e-9)
    }

    /// How large queries over a protocol were.
    pub(super) fn request_sizes(&self, protocol: usize) -> Summed {
        summed(
            self.0.iter().map(|share| &share.request_sizes[protocol]),
            &SIZES,
            1.0,
        )
    }

    /// How large replies over a protocol were.
    pub(super) fn response_sizes(&self, protocol: usize) -> Summed {
        summed(
            self.0.iter().map(|share| &share.response_sizes[protocol]),
            &SIZES,
            1.0,
        )
    }
}

fn summed<'h, const N: usize>(
    histograms: impl Iterator<Item = &'h Histogram<N>>,
    bounds: &[f64],
    unit: f64,
) -> Summed {
    let mut counts = [0; N];
    let mut sum = 0;
    for histogram in histograms {
        for (total, bucket) in counts.iter_mut().zip(&histogram.buckets) {
            *total += bucket.get();
        }
        sum += histogram.sum.get();
    }
    let mut so_far = 0;
    let buckets = bounds.iter().zip(counts).map(|(bound, count)| {
        so_far += count;
        (*bound, so_far)
    });
    Summed {
        buckets: buckets.collect(),
        count: counts.iter().sum(),
        sum: sum as f64 * unit,
    }
}
