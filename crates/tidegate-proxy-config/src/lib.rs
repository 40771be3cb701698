//! The configuration of kube-proxy: file, flags, defaults and validation.
