//! What the tests of this crate share: a network namespace of their own and a program to start.

use std::future::Future;
use std::path::PathBuf;

use nix::sched::{CloneFlags, unshare};

/// The executable that plays the internal roles. Cargo builds it with this crate's tests.
pub(crate) fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the test knows its own path");
    let program = own
        .parent()
        .and_then(std::path::Path::parent)
        .expect("tests lie in <target>/<profile>/deps")
        .join("tidegate-node-test-program");
    assert!(
        program.exists(),
        "{} is missing: build all targets of this crate",
        program.display()
    );
    program
}

/// Runs a test on threads that live in a network namespace of their own; the kernel removes it with
/// everything in it when the test process ends.
pub(crate) fn in_own_network<F: Future<Output = ()>>(test: impl FnOnce() -> F + Send + 'static) {
    let thread = std::thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET).expect("tests of this crate need root");
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime")
            .block_on(test());
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
