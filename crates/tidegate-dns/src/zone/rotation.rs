//! Spreading clients that always take the first address.

use hickory_proto::rr::{Record, RecordType};

/// Moves the addresses of an answer on by `turn` places, within each run of one type. Aliases
/// stay before what they lead to.
pub(crate) fn rotate_addresses(answers: &mut [Record], turn: usize) {
    for run in answers.chunk_by_mut(|one, next| one.record_type() == next.record_type()) {
        if matches!(run[0].record_type(), RecordType::A | RecordType::AAAA) {
            run.rotate_left(turn % run.len());
        }
    }
}
