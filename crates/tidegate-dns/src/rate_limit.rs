//! Response rate limiting: a server must not be a lever for those who forge senders.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tidegate_dns_wire::{HEADER, Transport};

use crate::block::Asked;

/// How many accounts there are. Networks share one with a chance of the number of attackers in
/// this many, and memory doesn't grow with them.
const ACCOUNTS: usize = 1 << 16;

/// How many replies a network of clients gets over UDP.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    settings: RateSettings,
    hasher: RandomState,
    began: Instant,
    /// For each account the second it was used last, and what is left in it.
    accounts: Box<[AtomicU64]>,
}

/// What the configuration says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateSettings {
    /// Replies with the same code that a network of clients gets in a second.
    pub(crate) per_second: u32,
    /// Over how long what wasn't used may be saved up, and overuse has to be made good.
    pub(crate) window: Duration,
    /// How many leading bits of their addresses make clients one network.
    pub(crate) ipv4_prefix: u8,
    /// The same for IPv6.
    pub(crate) ipv6_prefix: u8,
    /// Of how many refused replies one is sent as a stub that makes an honest client come back
    /// over TCP; none with 0.
    pub(crate) slip: u8,
}

impl RateLimiter {
    pub(crate) fn new(settings: RateSettings) -> Self {
        Self {
            settings,
            hasher: RandomState::new(),
            began: Instant::now(),
            accounts: (0..ACCOUNTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Takes a reply back that is one too many, or leaves a stub of it.
    pub(crate) fn limit(&self, asked: &Asked<'_>, out: &mut Vec<u8>, start: usize) {
        if asked.origin.transport == Transport::Tcp {
            return;
        }
        let code = out.get(start + 3).map_or(0, |octet| octet & 0x0f);
        let spent = self.spend(asked.origin.client.ip(), code, asked.began);
        let Some(excess) = spent else {
            return;
        };
        let slips = self.settings.slip > 0 && excess.is_multiple_of(u64::from(self.settings.slip));
        if !slips {
            out.truncate(start);
            return;
        }
        out.truncate(start + HEADER + asked.query.question().len());
        if let Some(header) = out.get_mut(start..start + HEADER) {
            header[2] |= 0x02;
            header[6..].fill(0);
        }
    }

    /// Takes a reply from its network's account; gives by how many the account is overdrawn.
    fn spend(&self, client: IpAddr, code: u8, now: Instant) -> Option<u64> {
        let network = match client.to_canonical() {
            IpAddr::V4(ip) => {
                let bits = u32::from(ip);
                let shift = 32 - u32::from(self.settings.ipv4_prefix.min(32));
                u128::from(bits.checked_shr(shift).unwrap_or(0))
            }
            IpAddr::V6(ip) => {
                let shift = 128 - u32::from(self.settings.ipv6_prefix.min(128));
                u128::from(ip).checked_shr(shift).unwrap_or(0) | 1 << 127
            }
        };
        let hash = self.hasher.hash_one((network, code)) as usize % ACCOUNTS;
        let account = self.accounts.get(hash)?;
        let second = now.saturating_duration_since(self.began).as_secs() + 1;
        let rate = u64::from(self.settings.per_second);
        let most = rate * self.settings.window.as_secs().max(1);
        let mut excess = None;
        // The low half is what has been used up, at most twice what can be saved.
        let _ = account.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            let (last, used) = (state >> 32, state & 0xffff_ffff);
            let recovered = second.saturating_sub(last).saturating_mul(rate);
            let used = used.saturating_sub(recovered).min(2 * most) + 1;
            excess = used.checked_sub(rate).filter(|excess| *excess > 0);
            Some(second << 32 | used)
        });
        excess
    }
}
