//! A machine of a test: a thread with a network namespace of its own.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use nix::sched::{CloneFlags, unshare};
use nix::unistd::gettid;

use crate::ending::Ending;

type Job = Box<dyn FnOnce() + Send>;

/// A machine: what runs on it sees its interfaces only. When this is dropped its servers end, and
/// at the latest with the test's process the kernel takes everything away.
pub struct Host {
    jobs: Sender<Job>,
    thread: i32,
    ending: Ending,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.ending.come();
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// A machine with nothing but a loopback interface.
    pub fn new() -> Self {
        let (jobs, queue) = channel::<Job>();
        let (tell, thread) = channel();
        let ending = Ending::default();
        let its_ending = ending.clone();
        thread::spawn(move || {
            its_ending.take_this_machine();
            unshare(CloneFlags::CLONE_NEWNET).expect("the tests run as root");
            // Addresses work at once, without a second of asking whether somebody has them.
            for conf in ["all", "default"] {
                let path = format!("/proc/sys/net/ipv6/conf/{conf}/accept_dad");
                std::fs::write(path, "0").expect("IPv6 is there");
            }
            tell.send(gettid().as_raw()).expect("the test waits for it");
            for job in queue {
                job();
            }
        });
        let thread = thread.recv().expect("the thread starts");
        let host = Self {
            jobs,
            thread,
            ending,
        };
        host.ip("link set dev lo up");
        host
    }

    /// The number by which `ip link set … netns` finds this machine.
    pub fn number(&self) -> i32 {
        self.thread
    }

    /// Starts something on this machine that goes on while the test does other things. The machine
    /// can't do anything else meanwhile.
    pub fn start<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Receiver<T> {
        let (tell, result) = channel();
        let job = Box::new(move || {
            // Nobody waits any more only if the test has failed already.
            let _ = tell.send(work());
        });
        self.jobs.send(job).expect("the machine runs");
        result
    }

    /// Does something on this machine. Threads and processes that it starts stay on it.
    pub fn with<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, result) = channel();
        let job = Box::new(move || {
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
            // Nobody waits any more only if the test has failed already.
            let _ = tell.send(done);
        });
        self.jobs.send(job).expect("the machine runs");
        match result.recv().expect("the machine runs") {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// Runs lines of `ip -batch` on this machine.
    pub fn ip(&self, lines: &str) {
        let lines = format!("{lines}\n");
        self.with(move || crate::run_with_input("ip -batch -", &lines));
    }

    /// Runs a command on this machine.
    pub fn run(&self, line: &str) -> String {
        let line = line.to_owned();
        self.with(move || crate::run(&line))
    }
}
