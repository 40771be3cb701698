//! Equal questions at one time are one question.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::question::OwnedQuestion;
use crate::resolver::Answer;

/// The questions that are being asked, and who waits for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashMap<OwnedQuestion, Vec<oneshot::Sender<Answer>>>>>);

/// The duty to ask a question, for everybody who waits for its answer. Dropped without one, in
/// whatever way, it lets the next one ask; those who wait learn it from their channels.
#[derive(Debug)]
pub(crate) struct Duty {
    question: OwnedQuestion,
    everybody: InFlight,
    answer: Option<Answer>,
}

impl InFlight {
    /// Where the answer to a question will come; the first who waits for it has to ask.
    pub(crate) fn join(
        &self,
        question: &OwnedQuestion,
    ) -> (oneshot::Receiver<Answer>, Option<Duty>) {
        let (sender, receiver) = oneshot::channel();
        let duty = match self.lock().entry(question.clone()) {
            Entry::Occupied(mut asked) => {
                asked.get_mut().push(sender);
                None
            }
            Entry::Vacant(free) => {
                free.insert(vec![sender]);
                Some(Duty {
                    question: question.clone(),
                    everybody: self.clone(),
                    answer: None,
                })
            }
        };
        (receiver, duty)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<OwnedQuestion, Vec<oneshot::Sender<Answer>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Duty {
    /// What has to be asked.
    pub(crate) fn question(&self) -> &OwnedQuestion {
        &self.question
    }

    /// Tells everybody the answer.
    pub(crate) fn fulfil(mut self, answer: Answer) {
        self.answer = Some(answer);
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        let waiting = self.everybody.lock().remove(&self.question);
        let Some(answer) = self.answer.take() else {
            return;
        };
        for client in waiting.into_iter().flatten() {
            // A client that went away needs no answer.
            let _ = client.send(answer.clone());
        }
    }
}
