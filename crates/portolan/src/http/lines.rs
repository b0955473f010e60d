//! Lines of a journal, as queries ask for them: which ones, in which order, and in pages that nothing falls between.

use super::Rooms;
use super::errors::Problem;
use super::request::query;
use crate::store::{About, Line, LineSelection, Read};
use api::dates::Date;
use api::paths::{API_VERSION, API_VERSION_PARAMETER};
use http::Uri;
use publishing::moment::Moment;
use publishing::principal::Circle;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What `$top` may say, and what counts where it says nothing.
pub(super) const MOST: usize = 200;
const USUAL: usize = 50;

/// How many lines are looked at for one page, where a filter passes many over.
const LOOKED_AT: usize = 1_000;

/// By how much the times of a circle's lines may be out of the order of their numbers, in seconds: offers change side by
/// side, and clocks are set right.
const DISORDER_SECONDS: i64 = 3_600;

/// The members of a query that are known; anything else is passed over, as everywhere.
pub(super) struct Members(BTreeMap<&'static str, String>);

impl Members {
    /// Reads those of these names, which are written without a leading `$`.
    ///
    /// # Errors
    /// 400 where one is given twice.
    pub(super) fn read(uri: &Uri, known: &[&'static str]) -> Result<Self, Problem> {
        let mut members = BTreeMap::new();
        for (name, value) in query(uri) {
            let Some(name) = known.iter().find(|known| known.eq_ignore_ascii_case(&name)) else { continue };
            if members.insert(*name, value).is_some() {
                return Err(Problem::bad_request(*name, format!("{name} is given twice. Give it once.")));
            }
        }
        Ok(Self(members))
    }

    /// What the member of this name says.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Which part of a journal, in which order: what `after`, `before`, `$top`, `order`, `since` and `until` say.
pub(super) struct Span {
    selection: LineSelection,
    top: Option<usize>,
    since: Option<Moment>,
    until: Option<Moment>,
    /// For the link to the next page.
    members: Members,
    path: String,
}

impl Span {
    /// Reads it, of what stands at this path.
    ///
    /// # Errors
    /// 400 where a member cannot be meant so.
    pub(super) fn read(
        members: Members,
        circle: Circle,
        about: About,
        newest_first: bool,
        path: String,
    ) -> Result<Self, Problem> {
        let order = members.text("order").map(str::to_ascii_lowercase);
        let newest_first = match order.as_deref() {
            None => newest_first,
            Some("asc") => false,
            Some("desc") => true,
            Some(_) => {
                return Err(Problem::bad_request("order", "order is neither asc nor desc. Write one of them."));
            }
        };
        let selection = LineSelection {
            circle,
            about,
            after: members.text("after").map_or(Ok(0), |after| number("after", after))?,
            before: members.text("before").map_or(Ok(i64::MAX), |before| number("before", before))?,
            newest_first,
            most: 0,
        };
        Ok(Self {
            selection,
            top: members.text("top").map(read_top).transpose()?,
            since: members.text("since").map(|since| moment("since", since)).transpose()?,
            until: members.text("until").map(|until| moment("until", until)).transpose()?,
            members,
            path,
        })
    }

    /// How many entries a page has at most.
    pub(super) fn top(&self) -> usize {
        self.top.unwrap_or(USUAL)
    }

    /// How many entries were asked for, where that was said.
    pub(super) fn said_top(&self) -> Option<usize> {
        self.top
    }

    /// Whose journal it is.
    pub(super) fn circle(&self) -> &Circle {
        &self.selection.circle
    }

    /// Looks up where the times begin and end, so that nothing far from them is read.
    pub(super) fn narrow(&mut self, read: &Read) -> Result<(), Problem> {
        let LineSelection { circle, about, after, before, .. } = &mut self.selection;
        let (offer, disorder) = match about {
            About::Offer(offer) => (Some(&*offer), 0),
            About::Offers | About::Anything => (None, DISORDER_SECONDS),
        };
        if let Some(since) = self.since {
            *after = (*after).max(read.first_since(circle, offer, since.plus_seconds(-disorder))? - 1);
        }
        if let Some(until) = self.until {
            *before = (*before).min(read.first_since(circle, offer, until.plus_seconds(disorder))?);
        }
        Ok(())
    }

    /// Whether lines within the numbers have to be looked at for their times.
    fn is_filtered(&self) -> bool {
        !matches!(self.selection.about, About::Offer(_)) && (self.since.is_some() || self.until.is_some())
    }

    fn holds(&self, at: Moment) -> bool {
        self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at < until)
    }

    /// The lines from this number on, or from the beginning.
    fn from(&self, number: Option<i64>) -> LineSelection {
        let mut selection = self.selection.clone();
        if let Some(number) = number {
            *(if selection.newest_first { &mut selection.before } else { &mut selection.after }) = number;
        }
        selection
    }

    /// The address of the page that goes on from this number.
    pub(super) fn next(&self, public_url: &str, from: i64) -> String {
        let mut members = self.members.0.clone();
        members.insert(if self.selection.newest_first { "before" } else { "after" }, from.to_string());
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair(API_VERSION_PARAMETER, API_VERSION)
            .extend_pairs(members)
            .finish();
        format!("{public_url}{}?{query}", self.path)
    }
}

/// What is asked for, and what becomes of a line.
pub(super) trait Wanted: Send + Sync + 'static {
    /// A line as it is answered.
    type Entry: Send + 'static;

    /// Where it is looked for.
    fn span(&self) -> &Span;

    /// Whether some lines of the span are passed over.
    fn is_filtered(&self) -> bool;

    /// The line as an entry, where it is one that was asked for.
    fn wanted(&self, line: &Line) -> serde_json::Result<Option<Self::Entry>>;
}

/// The entries of a page that goes on from a number, or begins, and the number from which the next one goes on, where there is one.
pub(super) async fn page<W: Wanted>(
    rooms: &Rooms,
    asked: &Arc<W>,
    from: Option<i64>,
    top: usize,
) -> Result<(Vec<W::Entry>, Option<i64>), Problem> {
    let span = asked.span();
    // One more than is shown tells whether there is another page.
    let most = if span.is_filtered() || asked.is_filtered() { MOST } else { top + 1 };
    let mut selection = LineSelection { most: i64::try_from(most).unwrap_or(i64::MAX), ..span.from(from) };
    let (mut found, mut looked_at, mut last) = (Vec::new(), 0, None);
    loop {
        let lines = read(rooms, asked, selection.clone()).await?;
        let count = lines.len();
        for (sequence, wanted) in lines {
            if let Some(entry) = wanted {
                if found.len() == top {
                    return Ok((found, last));
                }
                found.push(entry);
            }
            last = Some(sequence);
        }
        looked_at += count;
        if count < most {
            return Ok((found, None));
        }
        if looked_at >= LOOKED_AT {
            return Ok((found, last));
        }
        if let Some(last) = last {
            *(if selection.newest_first { &mut selection.before } else { &mut selection.after }) = last;
        }
    }
}

/// The number of each of some lines, and the entry where it is one that was asked for. Only a few read at once, and documents are
/// read apart from those who answer others.
async fn read<W: Wanted>(
    rooms: &Rooms,
    asked: &Arc<W>,
    selection: LineSelection,
) -> Result<Vec<(i64, Option<W::Entry>)>, Problem> {
    let _turn = rooms.followers.reading.acquire().await;
    let lines = rooms.read.lines(selection).await?;
    let asked = Arc::clone(asked);
    let judge = move || {
        let judged = |line: &Line| {
            let is_within = asked.span().holds(Moment::from_ticks(line.at));
            let wanted = if is_within { asked.wanted(line) } else { Ok(None) };
            let unreadable = |error: serde_json::Error| Problem::internal(&format!("entry {}: {error}", line.sequence));
            Ok((line.sequence, wanted.map_err(unreadable)?))
        };
        lines.iter().map(judged).collect()
    };
    tokio::task::spawn_blocking(judge).await.map_err(|error| Problem::internal(&error))?
}

/// Reads a moment.
///
/// # Errors
/// 400, which says how moments are written.
pub(super) fn moment(name: &str, text: &str) -> Result<Moment, Problem> {
    let message = || {
        format!(
            "{name} is no moment. Write one of the years 1 to 9999 as 2026-11-22T09:41:00Z, with up to 7 digits of a second \
             (2026-11-22T09:41:00.1234567Z), or with an offset as 2026-11-22T10:41:00%2B01:00."
        )
    };
    let date = Date::parse(text).filter(|date| date.ticks() >= 0);
    date.map(|date| Moment::from_ticks(date.ticks())).ok_or_else(|| Problem::bad_request(name, message()))
}

fn number(name: &str, text: &str) -> Result<i64, Problem> {
    let message = || format!("{name} is no sequence number. Give a whole number from 0, as entries have them.");
    text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| Problem::bad_request(name, message()))
}

fn read_top(top: &str) -> Result<usize, Problem> {
    let fits = |top: &usize| (1..=MOST).contains(top);
    let message = || format!("$top is not a whole number from 1 to {MOST}. Correct it, or leave it out.");
    top.parse().ok().filter(fits).ok_or_else(|| Problem::bad_request("$top", message()))
}
