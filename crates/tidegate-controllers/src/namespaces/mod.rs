//! Namespace deletion: empties a namespace of every kind and then lets it go.
//!
//! Rules are upstream's (pkg/controller/namespace/deletion): pods go before everything else, so
//! that nothing that they use is taken from under them.

mod controller;
mod progress;

pub(crate) use controller::NamespaceController;
