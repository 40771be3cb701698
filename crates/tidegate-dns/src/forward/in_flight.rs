//! Equal queries at one time are one query.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::{Admission, ForwardError};

type Reply = Result<Vec<u8>, ForwardError>;

/// A query packet, and whether its reply is wanted whole.
type Key = (Vec<u8>, bool);

/// The queries that are being asked, and who waits for each.
#[derive(Clone, Debug, Default)]
pub(super) struct InFlight(Arc<Mutex<HashMap<Key, Vec<oneshot::Sender<Reply>>>>>);

impl InFlight {
    /// Waits for the reply to a query, which `ask` gets unless somebody is asking already.
    ///
    /// The admission of the one who asks is held until the reply is there, whether or not its
    /// client still waits: sockets in use never outnumber admissions.
    pub(super) async fn join<F: Future<Output = Reply> + Send + 'static>(
        &self,
        key: Key,
        admission: Admission,
        ask: impl FnOnce(Key) -> F,
    ) -> Reply {
        let (reply, is_first) = self.wait_for(key.clone());
        if !is_first {
            let reply = reply.await;
            drop(admission);
            return reply.unwrap_or(Err(ForwardError::NobodyAnswered));
        }
        let asking = ask(key.clone());
        let everybody = self.clone();
        tokio::spawn(async move {
            let reply = asking.await;
            drop(admission);
            let waiting = everybody.lock().remove(&key);
            for client in waiting.into_iter().flatten() {
                // A client that went away needs no reply.
                let _ = client.send(reply.clone());
            }
        });
        reply.await.unwrap_or(Err(ForwardError::NobodyAnswered))
    }

    fn wait_for(&self, key: Key) -> (oneshot::Receiver<Reply>, bool) {
        let (sender, receiver) = oneshot::channel();
        let is_first = match self.lock().entry(key) {
            Entry::Occupied(mut asked) => {
                asked.get_mut().push(sender);
                false
            }
            Entry::Vacant(free) => {
                free.insert(vec![sender]);
                true
            }
        };
        (receiver, is_first)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<oneshot::Sender<Reply>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
