//! Why a patch can't be applied.

/// A malformed strategic merge patch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// `$patch` has a value that it doesn't have.
    #[error("unknown patch type: {value}: use \"merge\", \"replace\" or \"delete\"")]
    UnknownDirective {
        /// What `$patch` was set to, as JSON.
        value: String,
    },
    /// A map was expected, such as an item of a list that is merged by key.
    #[error("{field} must be a map")]
    NotAnObject {
        /// Where it was expected.
        field: String,
    },
    /// A list was expected, such as the value of `$retainKeys`.
    #[error("{field} must be a list")]
    NotAList {
        /// Where it was expected.
        field: String,
    },
    /// An item of a list that is merged by key doesn't have that key.
    #[error("map: {item} does not contain declared merge key: {key}")]
    MissingMergeKey {
        /// The item, as JSON.
        item: String,
        /// The key that tells the items of the list apart.
        key: &'static str,
    },
    /// The patch sets a key that `$retainKeys` doesn't list.
    #[error("{key} is set in the patch but not listed in $retainKeys")]
    NotRetained {
        /// The key.
        key: String,
    },
    /// The items of a list come in another order than `$setElementOrder` says, or aren't in it.
    #[error("the order in the patch list doesn't match $setElementOrder/{field}")]
    OrderMismatch {
        /// The list.
        field: String,
    },
    /// An item of a list asks to be merged, which is what happens in any case.
    #[error("merging lists cannot yet be specified in the patch")]
    MergeInList,
}
