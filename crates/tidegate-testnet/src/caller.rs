//! A client that calls without pause while a test does something to the node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
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
    /// Starts to call from a machine. Its first call is over when this returns, so that whatever
    /// happens from then on happens while it calls, however late its thread gets to run.
    pub fn start(host: &Host, call: Call) -> Self {
        let call = call.patience(PATIENCE);
        let is_done = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_done);
        let (tell, has_called) = channel();
        let thread = host.with(move || {
            std::thread::spawn(move || {
                let mut answers = BTreeMap::new();
                loop {
                    *answers.entry(call.make()).or_default() += 1;
                    // Only the first one is waited for.
                    let _ = tell.send(());
                    if done.load(Ordering::Relaxed) {
                        return answers;
                    }
                }
            })
        });
        // A thread that has panicked tells when it is joined.
        let _ = has_called.recv();
        Self { is_done, thread }
    }

    /// Ends it, and gives how often it got each answer.
    pub fn end(self) -> BTreeMap<Answer, u32> {
        self.is_done.store(true, Ordering::Relaxed);
        self.thread.join().expect("the client's calls end")
    }
}
