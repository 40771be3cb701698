//! Garbage collection: objects go when their last owner has gone.
//!
//! [`graph`] knows who is owned by whom, [`decide`] what becomes of one object, [`controller`]
//! carries it out, [`sources`] watches every kind. Rules are upstream's
//! (pkg/controller/garbagecollector).

mod controller;
mod decide;
mod graph;
mod sources;

pub(crate) use controller::GarbageController;
