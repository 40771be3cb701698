//! The userspace mode: the process accepts, dials and moves the bytes; the kernel only redirects.
