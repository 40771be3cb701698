//! Datagrams: a thread for each socket.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tidegate_dns_wire::Transport;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::batch::{Batch, send_one};
use crate::desk::{Desk, Origin, Step};

/// In which a packet is in the queue of the socket that the kernel chose for it: it takes
/// microseconds, unless a virtual machine stands still meanwhile.
const LONGEST_PASSAGE: Duration = Duration::from_millis(50);

/// How long to wait after the kernel refused to receive.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// One socket with the thread that serves it.
pub(super) struct UdpWorker {
    pub(super) socket: Arc<UdpSocket>,
    pub(super) address: SocketAddr,
    pub(super) desk: Arc<Desk>,
    /// Which of the places for counters is this thread's.
    pub(super) number: usize,
    pub(super) runtime: Handle,
    pub(super) tasks: TaskTracker,
    /// Set when the thread shall end.
    pub(super) stop: Arc<AtomicBool>,
}

impl UdpWorker {
    /// Serves until it shall stop, and then answers what has come in by that time.
    ///
    /// What the cluster or the cache knows is answered at once; the rest gets a task of the
    /// runtime, and of those there is a bounded number.
    pub(super) fn run(self) {
        let mut batch = Batch::new(self.address);
        let mut has_waited = false;
        loop {
            let is_ending = self.stop.load(Ordering::Acquire);
            match batch.receive(&self.socket, !is_ending) {
                Ok(_) => self.answer(&mut batch),
                // A packet may have found this socket a moment before it was to get no more.
                Err(_) if is_ending && !has_waited => {
                    has_waited = true;
                    std::thread::sleep(LONGEST_PASSAGE);
                }
                Err(_) if is_ending => return,
                Err(error) => match error.kind() {
                    // It was time to look whether to end.
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                    _ => {
                        // The kernel tells here too that a client didn't take its answer.
                        tracing::debug!(address = %self.address, %error, "receiving failed; trying again");
                        std::thread::sleep(AFTER_ERROR);
                    }
                },
            }
        }
    }

    fn answer(&self, batch: &mut Batch) {
        let view = self.desk.view();
        let mut began = Instant::now();
        batch.answer(|packet, peer, out| {
            let origin = Origin {
                client: peer.client,
                transport: Transport::Udp,
                worker: self.number,
            };
            if view.begin(packet, origin, began, out) == Step::Slow {
                let socket = Arc::clone(&self.socket);
                let desk = Arc::clone(&self.desk);
                let peer = *peer;
                let finishing = view.finish(packet, origin, began);
                self.tasks.spawn_on(
                    async move {
                        for reply in finishing.await {
                            if let Err(error) = send_one(&socket, &reply, &peer) {
                                desk.counters.send_failures.increment();
                                tracing::debug!(client = %peer.client, %error, "a reply can't be sent");
                            }
                        }
                    },
                    &self.runtime,
                );
            }
            began = Instant::now();
        });
        let failures = batch.send(&self.socket);
        self.desk.counters.send_failures.add(failures as u64);
    }
}
