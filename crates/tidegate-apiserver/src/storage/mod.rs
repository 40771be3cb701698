//! Objects in the revisioned store: their keys, their bytes, and reading and writing them.
//!
//! An object's `resourceVersion` is the revision of its last change, which is known only after
//! the write. It is therefore not stored, but put into the bytes when they are served: [`Raw`]
//! does that without parsing, so that a large list costs little more than copying it.

mod keys;
mod objects;
mod raw;

pub(crate) use self::{
    keys::{collection_prefix, name_of, object_key},
    objects::{Objects, Stored, WriteError, as_checks, watch_failed},
    raw::{NOT_STORED, Raw, encode},
};
