//! A client that calls without pause while a test does something to the node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::{Answer, Call, Host};

/// How long each of its calls may take: far longer than any machine needs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client at work. It ends when it is asked how it went.
#[derive(Debug)]
pub struct Caller {
    is_done: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<Answer, u32>>,
}

impl Caller {
    /// Starts to call from a machine.
    pub fn start(host: &Host, call: Call) -> Self {
        let call = call.patience(PATIENCE);
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let thread = host.with(move || {
            std::thread::spawn(move || {
                let mut answers = BTreeMap::new();
                while !done.load(Ordering::Relaxed) {
                    *answers.entry(call.make()).or_default() += 1;
                }
                answers
            })
        });
        Self { is_done, thread }
    }

    /// Ends it, and gives how often it got each answer.
    pub fn end(self) -> BTreeMap<Answer, u32> {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client's calls end")
    }
}
