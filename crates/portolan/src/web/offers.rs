//! The list of offers: of one publisher or of all that one may read, those that need somebody first.

use super::at;
use super::circles;
use super::pages::{self, Shown};
use super::sentences;
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states;
use super::{Pages, Shared, Visitor};
use crate::auth::Permission;
use crate::store::{Listed, Publisher, Selection, StoreError};
use crate::wire;
use api::state::State;
use api::status::StatusDocument;
use askama::Template;
use axum::extract::State as Extracted;
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::explain::{Turn, explain};
use publishing::moment::Moment;
use publishing::offer::{OfferId, OfferKey, PublisherId};
use publishing::status::OfferStatus;

/// How many offers one page shows.
const PAGE: usize = 50;

/// How many offers of a publisher are looked at; of more, those with the first ids.
const MOST: i64 = 10_000;

/// The list.
#[derive(Template)]
#[template(path = "offers.html")]
struct OffersPage {
    shell: Shell,
    rows: Vec<Row>,
    /// How many fit the filter, and how many of them wait for the publisher.
    count: usize,
    needing: usize,
    asked: Asked,
    types: Vec<(String, String)>,
    publishers: Vec<String>,
    /// Whether there is none at all, whatever the filter.
    is_empty: bool,
    /// Whether a publisher has more offers than are looked at.
    is_cut: bool,
    may_make: bool,
    /// Whether several publishers are listed.
    of_many: bool,
    page: usize,
    /// The addresses of the pages before and after.
    before: Option<String>,
    after: Option<String>,
    command: String,
}

/// One offer.
struct Row {
    address: String,
    name: String,
    publisher: String,
    id: String,
    offer_type: String,
    badge: Html,
    waiting_on: String,
    expected: Option<(Html, Html)>,
    live: Option<i64>,
    changed: Html,
}

/// What the query asks for.
#[derive(Clone, Debug, Default)]
struct Asked {
    text: String,
    needs_me: bool,
    offer_type: String,
    publisher: String,
    by_name: bool,
    by_change: bool,
    page: usize,
}

impl Asked {
    fn read(uri: &Uri) -> Self {
        let query = query(uri);
        let field = |name: &str| query.get(name).map_or("", String::as_str);
        Self {
            text: field("q").chars().take(200).collect(),
            needs_me: field("needs") == "me",
            offer_type: field("type").to_owned(),
            publisher: field("publisher").to_owned(),
            by_name: field("sort") == "name",
            by_change: field("sort") == "changed",
            page: field("page").parse().unwrap_or(1).clamp(1, 10_000),
        }
    }

    /// The address of the same list at another page.
    fn at_page(&self, page: usize) -> String {
        let mut query = form_urlencoded::Serializer::for_suffix("/offers?".to_owned(), "/offers?".len());
        let sort = if self.by_name {
            "name"
        } else if self.by_change {
            "changed"
        } else {
            ""
        };
        let needs = if self.needs_me { "me" } else { "" };
        for (name, value) in [
            ("q", self.text.as_str()),
            ("needs", needs),
            ("type", self.offer_type.as_str()),
            ("publisher", self.publisher.as_str()),
            ("sort", sort),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("page", &page.to_string()).finish()
    }
}

/// An offer that fits, before it is known whether it is on this page.
struct Found {
    publisher: PublisherId,
    listed: Listed,
    state: State,
}

/// Every offer that whoever asks may read.
pub(super) async fn show(Extracted(pages): Shared, uri: Uri) -> Shown {
    let visitor = match at::signed_in() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &visitor, Asked::read(&uri)).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn page(pages: &Pages, visitor: &Visitor, asked: Asked) -> Result<Response, StoreError> {
    let shell = Shell::of(Room::Offers);
    let all = circles::publishers(pages, visitor, Permission::Read)?;
    let mut found = Vec::new();
    let (mut is_empty, mut is_cut) = (true, false);
    for publisher in
        all.iter().filter(|one| asked.publisher.is_empty() || one.id.folded() == asked.publisher.to_ascii_lowercase())
    {
        let selection = Selection { publisher: publisher.id.clone(), offer_type: None, skip: 0, top: MOST };
        let listed = pages.read.offers(selection).await?;
        is_cut |= i64::try_from(listed.len()).is_ok_and(|count| count >= MOST);
        for listed in listed {
            is_empty = false;
            let state = state(pages, &publisher.id, &listed)?;
            found.push(Found { publisher: publisher.id.clone(), listed, state });
        }
    }
    found.retain(|one| fits(one, &asked));
    let needing = found.iter().filter(|one| needs_publisher(one.state)).count();
    sort(&mut found, &asked);
    let count = found.len();
    let first = (asked.page - 1) * PAGE;
    let mut rows = Vec::new();
    for one in found.iter().skip(first).take(PAGE) {
        rows.extend(row(pages, &shell, one).await?);
    }
    let types: Vec<_> = pages.types.iter().map(|one| (one.id.clone(), one.display_text.clone())).collect();
    let own = |permission| all.iter().any(|one| visitor.may(one.id.as_str(), permission));
    let template = OffersPage {
        rows,
        count,
        needing,
        types,
        is_empty,
        is_cut,
        may_make: own(Permission::SaveDraft),
        of_many: all.len() > 1,
        publishers: all.iter().map(|one| one.id.to_string()).collect(),
        page: asked.page,
        before: (asked.page > 1).then(|| asked.at_page(asked.page - 1)),
        after: (first + PAGE < count).then(|| asked.at_page(asked.page + 1)),
        command: command(&all, &asked),
        asked,
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

fn command(all: &[Publisher], asked: &Asked) -> String {
    let only = match all {
        [only] => Some(only.id.to_string()),
        _ => Some(asked.publisher.clone()).filter(|id| all.iter().any(|one| one.id.as_str() == id)),
    };
    only.map_or_else(|| "portolan offer list".to_owned(), |id| format!("portolan offer list --publisher {id}"))
}

/// The state of an offer. Of one that runs, its status document knows the step at hand.
fn state(pages: &Pages, publisher: &PublisherId, listed: &Listed) -> Result<State, StoreError> {
    if listed.status != OfferStatus::Running {
        return Ok(wire::state(listed.status, None));
    }
    let document = pages.read.status(&format!("{}/{}", publisher.folded(), listed.id))?;
    let document = document.ok_or_else(|| StoreError::Corrupt("an offer without a status document".to_owned()))?;
    let read: Result<StatusDocument, _> = serde_json::from_slice(&document.body);
    Ok(State::of_document(&read.map_err(|error| StoreError::Corrupt(error.to_string()))?))
}

/// Whether the publisher has to do something before it goes on.
const fn needs_publisher(state: State) -> bool {
    matches!(state, State::WaitsForGoLive | State::Failed | State::Blocked)
}

fn fits(one: &Found, asked: &Asked) -> bool {
    let text = asked.text.to_lowercase();
    (text.is_empty() || one.listed.id.contains(&text) || one.listed.display_text.to_lowercase().contains(&text))
        && (asked.offer_type.is_empty() || one.listed.offer_type == asked.offer_type)
        && (!asked.needs_me || needs_publisher(one.state))
}

fn sort(found: &mut [Found], asked: &Asked) {
    if asked.by_name {
        return found.sort_by_cached_key(|one| (one.listed.display_text.to_lowercase(), one.listed.id.clone()));
    }
    let newest = |one: &Found| std::cmp::Reverse(one.listed.changed_at);
    if asked.by_change {
        return found.sort_by_key(newest);
    }
    found.sort_by_key(|one| (!needs_publisher(one.state), newest(one)));
}

/// One row; nothing where the offer has gone meanwhile.
async fn row(pages: &Pages, shell: &Shell, found: &Found) -> Result<Option<Row>, StoreError> {
    let Some(id) = OfferId::parse(&found.listed.id) else { return Ok(None) };
    let key = OfferKey { publisher: found.publisher.clone(), offer: id };
    let Some(offer) = pages.read.offer(&key).await? else { return Ok(None) };
    let told = explain(&offer, shell.now());
    let t = shell.t;
    let changed: Moment = offer.operation.as_ref().map_or(offer.changed_at, |run| run.changed_at.max(offer.changed_at));
    Ok(Some(Row {
        address: at::path_of(&key),
        name: at::name_of(&offer),
        publisher: key.publisher.to_string(),
        id: key.offer.to_string(),
        offer_type: pages
            .types
            .get(&offer.offer_type)
            .map_or_else(|| offer.offer_type.clone(), |of| of.display_text.clone()),
        badge: states::badge(t, wire::state(told.status, told.step.as_ref().map(|step| step.status))),
        waiting_on: match (told.turn, told.errors.len()) {
            // A draft that nobody has submitted keeps nobody waiting.
            (Turn::Publisher, _) if !needs_publisher(found.state) => t.turn_nobody(),
            (Turn::Publisher, 0) => t.turn_publisher(),
            (Turn::Publisher, errors) => t.turn_publisher_errors(errors),
            (Turn::Reviewer, _) => t.turn_reviewer(),
            (Turn::Marketplace, _) => t.turn_marketplace(),
            (Turn::OutsideSystem, _) => t.turn_outside(),
            (Turn::Service, _) => sentences::headline(t, &told.headline),
            (Turn::Nobody, _) => t.turn_nobody(),
        },
        expected: pages.perform.usual_end(&offer)?.map(|end| (shell.at(end.from), shell.at(end.to))),
        live: offer.production,
        changed: shell.when(changed),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Asked, needs_publisher};
    use api::state::State;

    #[test]
    fn a_filter_lives_in_the_address() {
        let uri = "/offers?q=a%26b&needs=me&sort=name&page=3".parse().unwrap();
        let asked = Asked::read(&uri);
        assert_eq!(asked.at_page(4), "/offers?q=a%26b&needs=me&sort=name&page=4");
        assert_eq!(Asked::read(&"/offers?page=x".parse().unwrap()).page, 1);
    }

    #[test]
    fn what_waits_for_the_publisher_needs_them() {
        let needing: Vec<State> = State::ALL.into_iter().filter(|state| needs_publisher(*state)).collect();
        assert_eq!(needing, [State::Blocked, State::WaitsForGoLive, State::Failed]);
    }
}
