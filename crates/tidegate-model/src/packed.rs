//! Values held small.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value as the octets that it is made from again each time that somebody wants it.
///
/// A cluster has hundreds of thousands of endpoints, each of which is looked at when its own
/// Service changes and at no other time. Like this they take a fifth of the memory.
pub(crate) struct Packed<T> {
    octets: Box<[u8]>,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Packed<T> {
    pub(crate) fn new(value: &T) -> Self {
        let octets = postcard::to_allocvec(value);
        Self {
            octets: octets.expect("our types can be written").into(),
            of: PhantomData,
        }
    }

    pub(crate) fn get(&self) -> T {
        postcard::from_bytes(&self.octets)
            .expect("what was written by the same program can be read")
    }
}

/// Equal values are written in the same way.
impl<T> PartialEq for Packed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.octets == other.octets
    }
}

impl<T> Clone for Packed<T> {
    fn clone(&self) -> Self {
        Self {
            octets: self.octets.clone(),
            of: PhantomData,
        }
    }
}

impl<T: Serialize + DeserializeOwned + fmt::Debug> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
