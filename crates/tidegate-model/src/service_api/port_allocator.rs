//! Which node port comes next, and which may be asked for by number.
//!
//! As with cluster addresses, the lower band of the range is left to people (upstream's
//! `portallocator`, KEP-3668). A node port belongs to a Service by its number alone: TCP and UDP
//! of the same number can't belong to different Services.

use std::ops::RangeInclusive;

use super::ip_allocator::{band_offset, first_free_in_band};

/// The node ports that Services can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    first: u16,
    last: u16,
}

/// Why a node port wasn't handed out. Upstream's words, which end up in the API's answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortRefused {
    /// This or another Service has the port.
    #[error("provided port is already allocated")]
    Taken,
    /// The port isn't in the range.
    #[error("provided port is not in the valid range. The range of valid ports is {first}-{last}")]
    OutsideRange {
        /// The lowest port of the range.
        first: u16,
        /// The highest port of the range.
        last: u16,
    },
    /// No port is left.
    #[error("range is full")]
    Full,
}

impl Default for PortRange {
    /// Upstream's default, 30000 to 32767.
    fn default() -> Self {
        Self {
            first: 30_000,
            last: 32_767,
        }
    }
}

impl From<RangeInclusive<u16>> for PortRange {
    fn from(range: RangeInclusive<u16>) -> Self {
        Self {
            first: *range.start(),
            last: *range.end(),
        }
    }
}

impl PortRange {
    /// True if Services can have the port.
    pub fn contains(&self, port: i32) -> bool {
        (i32::from(self.first)..=i32::from(self.last)).contains(&port)
    }

    /// Judges a port that a user asks for by number.
    ///
    /// # Errors
    /// [`PortRefused::OutsideRange`] or [`PortRefused::Taken`].
    pub fn check(&self, port: i32, is_taken: impl FnOnce(u16) -> bool) -> Result<u16, PortRefused> {
        match u16::try_from(port) {
            Ok(port) if self.contains(port.into()) => {
                if is_taken(port) {
                    Err(PortRefused::Taken)
                } else {
                    Ok(port)
                }
            }
            _ => Err(PortRefused::OutsideRange {
                first: self.first,
                last: self.last,
            }),
        }
    }

    /// Picks a free port: at random in the upper band, in the lower one if that is full.
    ///
    /// # Errors
    /// [`PortRefused::Full`] if both bands are.
    pub fn next_free(
        &self,
        random: &mut dyn FnMut(u64) -> u64,
        is_taken: &dyn Fn(u16) -> bool,
    ) -> Result<u16, PortRefused> {
        let first = u64::from(self.first);
        let end = u64::from(self.last) + 1;
        let reserved = first + band_offset(end.saturating_sub(first), 32, 128);
        let is_taken = |port: u64| u16::try_from(port).map_or(true, is_taken);
        first_free_in_band(reserved, end, random, &is_taken)
            .or_else(|| first_free_in_band(first, reserved, random, &is_taken))
            .and_then(|port| u16::try_from(port).ok())
            .ok_or(PortRefused::Full)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_86_ports_are_left_to_people() {
        let range = PortRange::default();
        assert_eq!(range.next_free(&mut |_| 0, &|_| false), Ok(30_086));
        assert_eq!(
            range.next_free(&mut |bound| bound - 1, &|_| false),
            Ok(32_767)
        );
        assert_eq!(
            range.next_free(&mut |_| 0, &|port| port > 30_085),
            Ok(30_000)
        );
        assert_eq!(
            range.next_free(&mut |_| 0, &|_| true),
            Err(PortRefused::Full)
        );
        let small = PortRange::from(30_000..=30_015);
        assert_eq!(small.next_free(&mut |_| 0, &|_| false), Ok(30_000));
    }

    #[test]
    fn ports_are_checked_against_the_range() {
        let range = PortRange::default();
        assert_eq!(range.check(30_000, |_| false), Ok(30_000));
        assert_eq!(range.check(30_000, |_| true), Err(PortRefused::Taken));
        for outside in [80, 29_999, 32_768, -1, 1_000_000] {
            assert_eq!(
                range
                    .check(outside, |_| false)
                    .map_err(|refused| refused.to_string()),
                Err("provided port is not in the valid range. \
                     The range of valid ports is 30000-32767"
                    .to_owned())
            );
        }
    }
}
