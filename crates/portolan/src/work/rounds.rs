//! The rounds of those who work off what is due: look, take, wait.

use crate::clock::Clock;
use crate::store::StoreError;
use publishing::moment::Moment;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// How long to wait at most before looking again: the truth is what is due, being woken is only a hint.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What is worked off.
pub(super) trait Due: Sync {
    /// How many hands there are.
    const HANDS: usize;
    /// What it is, for the log.
    const NAME: &'static str;

    /// Takes what is due, at most so much, and sets to work on it; gives back how much that was.
    fn take(&self, in_hand: &mut JoinSet<()>, free: usize) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// When the next is due.
    fn next(&self) -> impl Future<Output = Result<Option<Moment>, StoreError>> + Send;
}

/// Works until told to stop; gives back what is in hand then. `woken` is told when something may have become due.
pub(super) async fn work_off<W: Due>(
    work: &W,
    woken: &Notify,
    clock: &Clock,
    stop: &mut watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut in_hand = JoinSet::new();
    while !*stop.borrow() {
        let wait = match take(work, &mut in_hand).await {
            Ok(0) => work.next().await.ok().flatten(),
            Ok(_) => continue,
            Err(error) => {
                tracing::error!(%error, "due {} could not be claimed", W::NAME);
                None
            }
        };
        // With every hand full, what is due waits for a hand, not for the time.
        let has_hands = in_hand.len() < W::HANDS;
        let is_due = async {
            match wait.filter(|_| has_hands) {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = in_hand.join_next(), if !in_hand.is_empty() => {}
            () = woken.notified(), if has_hands => {}
            () = is_due => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
            changed = stop.changed() => if changed.is_err() { break },
        }
    }
    in_hand
}

/// Works off what is due now, once; gives back how much that was.
pub(super) async fn once<W: Due>(work: &W) -> Result<usize, StoreError> {
    some(work, W::HANDS).await
}

/// Works off one thing that is due now, the one that has been due for longest; gives back whether there was one.
pub(super) async fn one(work: &impl Due) -> Result<bool, StoreError> {
    some(work, 1).await.map(|count| count > 0)
}

async fn some(work: &impl Due, most: usize) -> Result<usize, StoreError> {
    let mut in_hand = JoinSet::new();
    let count = work.take(&mut in_hand, most).await?;
    while in_hand.join_next().await.is_some() {}
    Ok(count)
}

async fn take<W: Due>(work: &W, in_hand: &mut JoinSet<()>) -> Result<usize, StoreError> {
    match W::HANDS.saturating_sub(in_hand.len()) {
        0 => Ok(0),
        free => work.take(in_hand, free).await,
    }
}
