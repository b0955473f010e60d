//! The queue of reviews: what waits for a reviewer, what is late by what such steps usually take first.

use super::at;
use super::fields::differences;
use super::pages::{self, Shown};
use super::reader::text;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::{Pages, Shared, Visitor, lost};
use crate::auth::Permission;
use crate::store::{Listed, StoreError};
use api::paths::segment;
use api::reviews::{Review, Verdict};
use api::state::Tone;
use askama::Template;
use axum::extract::State as Extracted;
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::check::CheckState;
use publishing::moment::{Moment, TICKS_PER_SECOND};
use publishing::offer::OfferKey;
use publishing::operation::{Course, Operation};
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// How many reviews one page shows.
const PAGE: usize = 50;

/// The queue.
#[derive(Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    shell: Shell,
    rows: Vec<Row>,
    count: usize,
    late: usize,
    /// Whether nothing waits at all, whatever the filter.
    is_empty: bool,
    asked: Asked,
    steps: BTreeMap<String, String>,
    queues: Vec<String>,
    done: Option<Done>,
    /// The next one to look at: where it is, and of what.
    next: Option<(String, String)>,
    page: usize,
    before: Option<String>,
    after: Option<String>,
    command: String,
}

/// One review.
struct Row {
    address: String,
    /// The page's address without a query, which takes forms.
    path: String,
    name: String,
    offer: String,
    step: String,
    queue: Option<String>,
    look_at: String,
    since: Html,
    waited: String,
    /// In percent of what such steps take at most in nine of ten cases; 100 at most for the bar.
    against: Option<(i64, i64)>,
    late: Option<Html>,
    blocked: Option<Html>,
    held: Option<(Option<String>, Html)>,
    /// Why whoever reads cannot decide it.
    not_theirs: Option<String>,
    may_claim: bool,
    approvals: Option<String>,
}

/// What was done just before.
struct Done {
    words: String,
    name: String,
    offer: String,
}

/// What the query asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    text: String,
    step: String,
    queue: String,
    /// Empty, `mine` or `mine-or-free`.
    held: String,
    page: usize,
}

impl Asked {
    fn read(query: &HashMap<String, String>) -> Self {
        let field = |name: &str| query.get(name).map_or("", String::as_str);
        Self {
            text: field("q").chars().take(200).collect(),
            step: field("step").to_owned(),
            queue: field("queue").to_owned(),
            held: Some(field("held")).filter(|held| ["mine", "mine-or-free"].contains(held)).unwrap_or("").to_owned(),
            page: field("page").parse().unwrap_or(1).clamp(1, 10_000),
        }
    }

    /// The address of the same list at another page.
    fn at_page(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix("/reviews?".to_owned(), "/reviews?".len());
        for (name, value) in [("q", &self.text), ("step", &self.step), ("queue", &self.queue), ("held", &self.held)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &page.to_string()).finish()
    }

    fn fits(&self, one: &Waiting) -> bool {
        let text = self.text.to_lowercase();
        let held = match (self.held.as_str(), &one.holder) {
            ("", _) | ("mine-or-free", Holder::Nobody) | (_, Holder::You) => true,
            (_, Holder::Nobody | Holder::Another(_)) => false,
        };
        held && (text.is_empty() || one.name.to_lowercase().contains(&text) || one.key.name().contains(&text))
            && (self.step.is_empty() || one.review.step_id == self.step)
            && (self.queue.is_empty() || one.review.queue.as_ref() == Some(&self.queue))
    }
}

/// Who has a review in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    You,
    Another(String),
}

impl Holder {
    /// By the name that the API gives.
    pub(super) fn of(visitor: &Visitor, name: Option<&String>) -> Self {
        match name {
            None => Self::Nobody,
            Some(name) if name == visitor.caller.name() => Self::You,
            Some(name) => Self::Another(name.clone()),
        }
    }
}

/// Something that waits, with what the order needs.
struct Waiting {
    review: Review,
    key: OfferKey,
    name: String,
    holder: Holder,
    /// Why whoever reads cannot decide it.
    not_theirs: Option<String>,
    /// In percent of what it takes at most in nine of ten cases.
    against: Option<i64>,
    is_late: bool,
}

/// Whoever is signed in, if that is a reviewer.
///
/// # Errors
/// The page for what is not there, or the way to sign in.
pub(super) fn reviewer() -> Result<Arc<Visitor>, Box<Response>> {
    let visitor = at::signed_in()?;
    match visitor.caller.authorise_marketplace(Permission::Review) {
        Ok(_) => Ok(visitor),
        Err(_) => Err(Box::new(lost::page())),
    }
}

/// The path of a review's page.
pub(super) fn path_of(operation: Uuid, step: &str) -> String {
    format!("/reviews/{operation}/{}", segment(step))
}

/// Why a person cannot review something of a publisher, or of an operation.
pub(super) fn not_theirs(visitor: &Visitor, key: &OfferKey, operation: &Operation) -> Option<String> {
    if visitor.caller.is_member(&key.publisher) {
        return Some(text().reviews_own());
    }
    operation.submitters.contains(&visitor.principal.id).then(|| text().reviews_submitted())
}

/// What waits for a reviewer.
pub(super) async fn show(Extracted(pages): Shared, uri: Uri) -> Shown {
    let visitor = match reviewer() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &visitor, &query(&uri)).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn page(pages: &Pages, visitor: &Visitor, query: &HashMap<String, String>) -> Result<Response, StoreError> {
    let (shell, asked) = (Shell::of(Room::Reviews), Asked::read(query));
    let mut all = waiting(pages, visitor).await?;
    let steps = all.iter().map(|one| (one.review.step_id.clone(), one.review.step_name.clone())).collect();
    let mut queues: Vec<String> = all.iter().filter_map(|one| one.review.queue.clone()).collect();
    queues.sort();
    queues.dedup();
    let is_empty = all.is_empty();
    all.retain(|one| asked.fits(one));
    // What nobody can measure comes after what is late, and before what has time.
    all.sort_by_key(|one| {
        let since = one.review.waiting_since.ticks();
        (!one.is_late, one.against.is_some(), Reverse(one.against), since)
    });
    let count = all.len();
    let first = (asked.page - 1) * PAGE;
    let next = all.iter().find(|one| one.not_theirs.is_none() && !matches!(one.holder, Holder::Another(_)));
    let next = next.map(|one| (path_of(one.review.operation_id, &one.review.step_id), one.name.clone()));
    let mut rows = Vec::new();
    for one in all.iter().skip(first).take(PAGE) {
        rows.push(row(pages, &shell, one).await?);
    }
    let template = ReviewsPage {
        count,
        late: all.iter().filter(|one| one.is_late).count(),
        is_empty,
        rows,
        steps,
        queues,
        done: done(pages, query).await?,
        next,
        page: asked.page,
        before: (asked.page > 1).then(|| asked.at_page(asked.page - 1)),
        after: (first + PAGE < count).then(|| asked.at_page(asked.page + 1)),
        command: command(&asked),
        asked,
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

fn command(asked: &Asked) -> String {
    let held = if asked.held.is_empty() { String::new() } else { format!(" --{}", asked.held) };
    let queue = Some(&asked.queue).filter(|queue| publishing::offer::is_slug(queue));
    format!("portolan review list{held}{}", queue.map_or_else(String::new, |queue| format!(" --queue {queue}")))
}

/// What the page before has done, as far as it is true.
async fn done(pages: &Pages, query: &HashMap<String, String>) -> Result<Option<Done>, StoreError> {
    let t = text();
    let verdict = query.get("done").and_then(|word| Verdict::parse(word));
    let operation = query.get("of").and_then(|id| Uuid::try_parse(id).ok());
    let Some((verdict, operation)) = verdict.zip(operation) else { return Ok(None) };
    let Some((key, operation)) = pages.read.operation(operation).await? else { return Ok(None) };
    if !is_so(verdict, &operation) {
        return Ok(None);
    }
    let Some(offer) = pages.read.offer(&key).await? else { return Ok(None) };
    let words = match verdict {
        Verdict::Approve => t.reviews_done_approve(),
        Verdict::Reject => t.reviews_done_reject(),
        Verdict::Block => t.reviews_done_block(),
        Verdict::Unblock => t.reviews_done_unblock(),
    };
    Ok(Some(Done { words, name: at::name_of(&offer), offer: at::path_of(&key) }))
}

/// Whether an operation stands as a verdict leaves it.
fn is_so(verdict: Verdict, operation: &Operation) -> bool {
    let mut checks = operation.steps.iter().flat_map(|step| &step.checks);
    match verdict {
        Verdict::Approve => checks.any(|check| !check.review.approvals.is_empty()),
        Verdict::Reject => operation.course == Course::Failed,
        Verdict::Block => checks.any(|check| check.state == CheckState::Blocked),
        Verdict::Unblock => !checks.any(|check| check.state == CheckState::Blocked),
    }
}

/// Everything that waits, or is blocked.
async fn waiting(pages: &Pages, visitor: &Visitor) -> Result<Vec<Waiting>, StoreError> {
    let listed: Result<Vec<Review>, _> = pages.api(visitor).get("/api/reviews").await;
    let listed = listed.map_err(|error| StoreError::Unavailable(error.message))?;
    let running: HashMap<Uuid, (OfferKey, Operation)> =
        pages.read.running().await?.into_iter().map(|(key, operation)| (operation.id, (key, operation))).collect();
    // What is not there any more was decided between the two looks.
    let listed = listed.into_iter().filter_map(|review| Some((running.get(&review.operation_id)?, review)));
    let listed: Vec<_> = listed.collect();
    let offers = pages.read.listed(listed.iter().map(|((key, _), _)| key.clone()).collect()).await?;
    let measure = |(((key, operation), review), offer): ((&(OfferKey, Operation), Review), Option<Listed>)| {
        measured(pages, visitor, review, (key, operation), offer.as_ref())
    };
    listed.into_iter().zip(offers).map(measure).collect()
}

fn measured(
    pages: &Pages,
    visitor: &Visitor,
    review: Review,
    (key, operation): (&OfferKey, &Operation),
    listed: Option<&Listed>,
) -> Result<Waiting, StoreError> {
    let step = operation.steps.iter().find(|step| step.id == review.step_id);
    let since = step.and_then(|step| step.begun_anew_at.or(step.reached_at)).filter(|_| !review.blocked);
    let spent = since.map(|since| (pages.perform.now().ticks() - since.ticks()).max(0));
    let usual = match listed {
        Some(listed) => pages.perform.usual_of(&listed.offer_type, &review.step_id)?,
        None => None,
    };
    let against = spent.zip(usual).map(|(spent, usual)| {
        let share = i128::from(spent) * 100 / i128::from(usual.late_after().max(1));
        i64::try_from(share).unwrap_or(i64::MAX)
    });
    let is_late = step.is_some_and(|step| step.late.is_some() && !review.blocked)
        || spent.zip(usual).is_some_and(|(spent, usual)| spent > usual.late_after());
    let name = listed.map(|listed| listed.display_text.clone()).filter(|name| !name.trim().is_empty());
    Ok(Waiting {
        holder: Holder::of(visitor, review.held_by.as_ref()),
        not_theirs: not_theirs(visitor, key, operation),
        name: name.unwrap_or_else(|| key.offer.to_string()),
        key: key.clone(),
        review,
        against,
        is_late,
    })
}

async fn row(pages: &Pages, shell: &Shell, one: &Waiting) -> Result<Row, StoreError> {
    let (t, review) = (shell.t, &one.review);
    let path = path_of(review.operation_id, &review.step_id);
    let since = Moment::from_ticks(review.waiting_since.ticks());
    let query = review.queue.as_ref().map_or_else(String::new, |queue| format!("?queue={queue}"));
    let until = review.held_until.map(|until| shell.at(Moment::from_ticks(until.ticks())));
    let held = match &one.holder {
        Holder::Nobody => None,
        Holder::You => Some(None),
        Holder::Another(name) => Some(Some(name.clone())),
    };
    Ok(Row {
        address: format!("{path}{query}"),
        path,
        name: one.name.clone(),
        offer: one.key.name(),
        step: review.step_name.clone(),
        queue: review.queue.clone(),
        look_at: look_at(pages, shell, one).await?,
        since: shell.at(since),
        waited: shell.span((shell.now().ticks() - since.ticks()) / TICKS_PER_SECOND),
        against: one.against.map(|percent| (percent, percent.min(100))),
        late: one.is_late.then(|| states::mark(Tone::Bad, &t.reviews_late())),
        blocked: review.blocked.then(|| states::badge(t, api::state::State::Blocked)),
        may_claim: one.not_theirs.is_none() && held.is_none() && review.queue.is_some(),
        held: held.zip(until),
        not_theirs: one.not_theirs.clone(),
        approvals: review
            .approvals
            .filter(|approvals| approvals.needed > 1)
            .map(|approvals| t.reviews_approvals(approvals.given, approvals.needed)),
    })
}

/// What is to be looked at: a new offer, or so many fields.
async fn look_at(pages: &Pages, shell: &Shell, one: &Waiting) -> Result<String, StoreError> {
    let Some(offer) = pages.read.offer(&one.key).await? else { return Ok(String::new()) };
    let Some(live) = offer.production else { return Ok(shell.t.reviews_new()) };
    let before = pages.read.snapshot(&one.key, live).await?;
    let after = pages.read.snapshot(&one.key, one.review.offer_version).await?;
    let Some((before, after)) = before.zip(after) else { return Ok(String::new()) };
    // Two definitions of megabytes would keep other requests waiting.
    let count = move || differences(Some(&before.draft), &after.draft).ok().map(|found| found.len());
    let count = tokio::task::spawn_blocking(count).await.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(count.map_or_else(String::new, |count| shell.t.reviews_fields(count)))
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use crate::web::sign_in::query;

    #[test]
    fn a_filter_lives_in_the_address() {
        let asked = Asked::read(&query(&"/reviews?q=a%26b&step=review&held=mine&page=3".parse().unwrap()));
        assert_eq!(asked.at_page(4), "/reviews?q=a%26b&step=review&held=mine&page=4");
        assert_eq!(Asked::read(&query(&"/reviews?held=x&page=0".parse().unwrap())).at_page(1), "/reviews?page=1");
    }
}
