//! What a request asks for, before anybody acts on it: path, query, body, wanted representation.

mod body;
mod negotiate;
mod path;
mod protobuf;
mod query;

pub(crate) use body::{PatchBody, read_object, read_optional, read_patch};
pub(crate) use negotiate::{Encoding, Representation, Shape, negotiate};
pub(crate) use path::{ApiPath, ObjectPath, parse_path};
pub(crate) use query::{
    DeleteOptions, ExecQuery, FieldValidation, ListOptions, LogQuery, WriteOptions,
};
