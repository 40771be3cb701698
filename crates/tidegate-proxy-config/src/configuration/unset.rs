//! `null` in a file means that the field is not set, as Go's decoder has it.

use serde::{Deserialize, Deserializer};

/// Takes `null` for the value that stands for "not set".
pub(super) fn or_unset<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}
