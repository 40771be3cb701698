//! Decisions about pods, free of effects: what a pod's containers shall be given, and when they are
//! started, judged, ended and reported.

pub(crate) mod back_off;
pub(crate) mod container_spec;
pub(crate) mod environment;
pub(crate) mod expansion;
pub(crate) mod files;
pub(crate) mod host_name;
pub(crate) mod machine;
pub(crate) mod probe;
pub(crate) mod problem;
pub(crate) mod quality;
pub(crate) mod quantity;
pub(crate) mod resolv_conf;
pub(crate) mod security;
pub(crate) mod service_env;
pub(crate) mod shape;
pub(crate) mod volumes;
