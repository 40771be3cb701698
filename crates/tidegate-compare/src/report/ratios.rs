//! The ratios that are quoted.

use crate::results::{DIRECT, HAPROXY, Peer, Results, Traffic};
use crate::series::Series;

/// One of the figures of a place.
pub(super) type Pick = fn(&Traffic) -> &Series;

/// One place's figure against another's, each round against the same round.
pub(super) fn against(own: &Traffic, other: &Traffic, pick: Pick) -> Option<f64> {
    pick(own).ratio_to(pick(other))
}

/// The figure of a competitor's last Service against a direct connection's.
pub(super) fn to_direct(results: &Results, peer: &Peer, pick: Pick) -> Option<f64> {
    against(
        peer.through_last(),
        &results.peer(DIRECT, None)?.first,
        pick,
    )
}

/// The figure of a competitor's last Service against HAProxy's, at the same number of Services.
pub(super) fn to_haproxy(results: &Results, peer: &Peer, pick: Pick) -> Option<f64> {
    let haproxy = results.peer(HAPROXY, peer.services)?;
    against(peer.through_last(), haproxy.through_last(), pick)
}

/// How far a figure of the last Service is from where it is with the fewest Services, at worst:
/// 0.1 is a tenth more.
pub(super) fn growth(results: &Results, name: &str, pick: Pick) -> Option<f64> {
    let sizes = results.sizes();
    let (fewest, others) = sizes.split_first()?;
    let base = results.peer(name, Some(*fewest))?;
    let ratios = others.iter().filter_map(|size| {
        let peer = results.peer(name, Some(*size))?;
        against(peer.through_last(), base.through_last(), pick)
    });
    ratios.map(|ratio| ratio - 1.0).max_by(f64::total_cmp)
}
