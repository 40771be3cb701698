//! Creates many things, a few first.
//!
//! If the first creation fails, for example because a quota is used up, all others would too.
//! Batches double as long as everything works, so that a refusal costs one call and not hundreds.

use futures::future::join_all;

/// What came of a number of calls.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome<E> {
    pub(super) succeeded: usize,
    /// The first error; no further batch was begun after it.
    pub(super) error: Option<E>,
}

/// Makes `count` calls in batches of 1, 2, 4 and so on, each batch at once.
pub(super) async fn in_growing_batches<E, F>(count: usize, call: impl Fn() -> F) -> Outcome<E>
where
    F: Future<Output = Result<(), E>>,
{
    let (mut succeeded, mut size) = (0, 1);
    while succeeded < count {
        let batch = size.min(count - succeeded);
        let results = join_all((0..batch).map(|_| call())).await;
        succeeded += results.iter().filter(|result| result.is_ok()).count();
        if let Some(error) = results.into_iter().find_map(Result::err) {
            return Outcome {
                succeeded,
                error: Some(error),
            };
        }
        size *= 2;
    }
    Outcome {
        succeeded,
        error: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn a_refusal_costs_one_batch_only() {
        let calls = AtomicUsize::new(0);
        let outcome = in_growing_batches(100, || async {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            if call < 3 { Ok(()) } else { Err("full") }
        })
        .await;
        assert_eq!(
            outcome,
            Outcome {
                succeeded: 3,
                error: Some("full")
            }
        );
        assert_eq!(calls.load(Ordering::Relaxed), 1 + 2 + 4);
    }
}
