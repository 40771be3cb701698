//! Moments at which something has to be looked at.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::token::Token;

/// Moments, the next one first. What a timer was set for may be gone when it is due: whoever is
/// told looks, so a timer is never taken back.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    queue: BinaryHeap<Reverse<(Instant, Token)>>,
}

impl Timers {
    /// Has a thing looked at.
    pub(crate) fn set(&mut self, at: Instant, token: Token) {
        self.queue.push(Reverse((at, token)));
    }

    /// How long until the next one is due.
    pub(crate) fn wait(&self, now: Instant) -> Option<Duration> {
        let Reverse((at, _)) = self.queue.peek()?;
        Some(at.saturating_duration_since(now))
    }

    /// One that is due.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Token> {
        match self.queue.peek() {
            Some(Reverse((at, _))) if *at <= now => {}
            _ => return None,
        }
        self.queue.pop().map(|Reverse((_, token))| token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_are_due_in_their_order() {
        let now = Instant::now();
        let mut timers = Timers::default();
        assert_eq!(timers.wait(now), None);
        timers.set(now + Duration::from_secs(2), Token::Listener(2));
        timers.set(now + Duration::from_secs(1), Token::Listener(1));
        assert_eq!(timers.wait(now), Some(Duration::from_secs(1)));
        assert_eq!(timers.pop(now), None);
        let later = now + Duration::from_secs(3);
        assert_eq!(timers.pop(later), Some(Token::Listener(1)));
        assert_eq!(timers.pop(later), Some(Token::Listener(2)));
        assert_eq!(timers.pop(later), None);
    }
}
