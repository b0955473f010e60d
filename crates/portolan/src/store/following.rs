//! Who waits for news of an offer or of a publisher, and the latest news. A hint and no more: what counts is the journal.

use super::Line;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::{broadcast, watch};

/// How many lines are kept for those who are about to read them. All others are in the journal.
const RECENT: usize = 128;

/// How many names of changed offers wait for a reader who is slow.
const WAITING: usize = 256;

/// A line of the journal that is durable, for all who wait for it.
#[derive(Debug)]
pub struct News {
    /// `publisher/offer`, folded.
    name: String,
    line: Line,
    /// The number of the line before it that is about the same offer, and about any offer of the publisher; 0 where there is none.
    before: Before,
    rendered: OnceLock<Option<Bytes>>,
}

/// Numbers of the lines before a line; 0 where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// About the same offer.
    pub(super) of_offer: i64,
    /// About any offer of the publisher.
    pub(super) of_publisher: i64,
}

impl News {
    pub(super) fn new(name: String, line: Line, before: Before) -> Self {
        Self { name, line, before, rendered: OnceLock::new() }
    }

    /// Its number in the journal.
    pub fn sequence(&self) -> i64 {
        self.line.sequence
    }

    /// The line as it is sent: rendered by whoever comes first, for all. None where that failed.
    pub fn rendered(&self, render: impl FnOnce(&Line) -> Option<Bytes>) -> Option<Bytes> {
        self.rendered.get_or_init(|| render(&self.line)).clone()
    }

    /// Whether it is the next line for someone who follows this name and has all up to this number.
    fn is_next(&self, name: &str, position: i64) -> bool {
        let before = match self.name.strip_prefix(name) {
            Some("") => self.before.of_offer,
            Some(rest) if rest.starts_with('/') => self.before.of_publisher,
            _ => return false,
        };
        before <= position && position < self.sequence()
    }
}

/// Who follows what. There is an entry for a name only while somebody follows it.
#[derive(Debug)]
pub(super) struct Following {
    followed: Mutex<Followed>,
    /// Whatever changes, by name.
    changes: broadcast::Sender<Arc<str>>,
}

impl Default for Following {
    fn default() -> Self {
        Self { followed: Mutex::default(), changes: broadcast::Sender::new(WAITING) }
    }
}

#[derive(Debug, Default)]
struct Followed {
    /// By name, `publisher/offer` or `publisher`, folded: the number of the newest line that was told.
    names: HashMap<Arc<str>, watch::Sender<i64>>,
    recent: VecDeque<Arc<News>>,
}

/// Someone who follows a name.
#[derive(Debug)]
pub struct Follower {
    following: Arc<Following>,
    name: Arc<str>,
    /// Always there, until it is dropped.
    told: Option<watch::Receiver<i64>>,
}

impl Following {
    /// Follows `publisher/offer`, or a whole `publisher`, folded.
    pub(super) fn follow(self: &Arc<Self>, name: &str) -> Follower {
        let mut followed = self.followed();
        let (name, told) = match followed.names.get_key_value(name) {
            Some((name, told)) => (Arc::clone(name), told.subscribe()),
            None => {
                let (name, (sender, told)) = (Arc::<str>::from(name), watch::channel(0));
                followed.names.insert(Arc::clone(&name), sender);
                (name, told)
            }
        };
        drop(followed);
        Follower { following: Arc::clone(self), name, told: Some(told) }
    }

    /// The names of all offers that change from now on, `publisher/offer`, folded.
    pub(super) fn changes(&self) -> broadcast::Receiver<Arc<str>> {
        self.changes.subscribe()
    }

    /// Whether anybody follows this offer, or its publisher.
    pub(super) fn has(&self, name: &str) -> bool {
        let followed = self.followed();
        !followed.names.is_empty() && both(name).iter().any(|name| followed.names.contains_key(*name))
    }

    /// Tells of a line that is durable. It is told in the order of commits, but nobody may rely on being told of each.
    pub(super) fn tell(&self, name: &str, sequence: i64, news: Option<Arc<News>>) {
        // Nobody listens: nothing is lost.
        if self.changes.receiver_count() > 0 {
            let _ = self.changes.send(Arc::from(name));
        }
        let mut followed = self.followed();
        if followed.names.is_empty() {
            followed.recent.clear();
            return;
        }
        if let Some(news) = news {
            followed.recent.truncate(RECENT - 1);
            followed.recent.push_front(news);
        }
        for name in both(name) {
            if let Some(told) = followed.names.get(name) {
                told.send_replace(sequence);
            }
        }
    }

    fn followed(&self) -> MutexGuard<'_, Followed> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The names of an offer and of its publisher.
fn both(name: &str) -> [&str; 2] {
    [name, name.split('/').next().unwrap_or(name)]
}

impl Follower {
    /// Waits until something is told that was not there at the last [`Follower::look`].
    pub async fn told(&mut self) {
        if let Some(told) = &mut self.told {
            // The sender is kept as long as we follow.
            let _ = told.changed().await;
        }
    }

    /// The number of the newest line that was told since it is followed; 0 where none was.
    pub fn look(&mut self) -> i64 {
        self.told.as_mut().map_or(0, |told| *told.borrow_and_update())
    }

    /// The line that comes next for someone who has all up to this number, if it is one of the latest.
    pub fn next(&self, position: i64) -> Option<Arc<News>> {
        let followed = self.following.followed();
        followed.recent.iter().find(|news| news.is_next(&self.name, position)).cloned()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut followed = self.following.followed();
        self.told = None;
        if followed.names.get(&self.name).is_some_and(|told| told.receiver_count() == 0) {
            followed.names.remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Before, Following, News, RECENT};
    use crate::store::Line;
    use std::sync::Arc;

    fn news(name: &str, sequence: i64, of_offer: i64, of_publisher: i64) -> Option<Arc<News>> {
        let offer = name.split('/').nth(1).unwrap().to_owned();
        let line = Line { sequence, offer, at: 0, entry: String::new(), document: Vec::new(), hash: Vec::new() };
        Some(Arc::new(News::new(name.into(), line, Before { of_offer, of_publisher })))
    }

    #[test]
    fn an_entry_is_there_only_while_somebody_follows() {
        let following = Arc::new(Following::default());
        assert!(!following.has("contoso/one"));
        let (first, second) = (following.follow("contoso/one"), following.follow("contoso/one"));
        let whole = following.follow("fabrikam");
        assert!(following.has("contoso/one") && following.has("fabrikam/any"));
        assert!(!following.has("contoso/two") && !following.has("contoso"));
        drop(first);
        assert!(following.has("contoso/one"), "the other one still follows");
        drop((second, whole));
        assert!(following.followed().names.is_empty());
    }

    #[tokio::test]
    async fn both_names_of_a_line_are_told_and_no_other() {
        let following = Arc::new(Following::default());
        let mut followers =
            ["contoso/one", "contoso", "contoso/on", "contos", "fabrikam/one"].map(|n| following.follow(n));
        following.tell("contoso/one", 7, None);
        assert_eq!(followers.each_mut().map(|follower| follower.look()), [7, 7, 0, 0, 0]);
        following.tell("contoso/one", 9, None);
        followers[0].told().await;
        assert_eq!(followers[0].look(), 9);
    }

    #[test]
    fn the_next_line_is_the_one_right_after_what_a_follower_has() {
        let following = Arc::new(Following::default());
        let (offer, whole, other) =
            (following.follow("contoso/one"), following.follow("contoso"), following.follow("contoso/o"));
        following.tell("contoso/one", 7, news("contoso/one", 7, 3, 6));
        following.tell("contoso/one", 9, news("contoso/one", 9, 7, 8));
        let next = |follower: &super::Follower, position| follower.next(position).map(|news| news.sequence());
        assert_eq!([2, 3, 6, 7, 8, 9].map(|at| next(&offer, at)), [None, Some(7), Some(7), Some(9), Some(9), None]);
        assert_eq!([5, 6, 7, 8, 9].map(|at| next(&whole, at)), [None, Some(7), None, Some(9), None]);
        assert_eq!(next(&other, 8), None);
    }

    #[test]
    fn only_the_latest_lines_are_kept() {
        let following = Arc::new(Following::default());
        let follower = following.follow("contoso");
        for sequence in 1..=200 {
            following.tell("contoso/one", sequence, news("contoso/one", sequence, sequence - 1, sequence - 1));
        }
        assert_eq!(following.followed().recent.len(), RECENT);
        assert!(follower.next(199).is_some() && follower.next(0).is_none());
        drop(follower);
        following.tell("contoso/one", 201, None);
        assert!(following.followed().recent.is_empty(), "nothing is kept for nobody");
    }
}
