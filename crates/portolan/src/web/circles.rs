//! The circles of people that pages are about, a publisher's or the marketplace's staff: which one a page is of, and which there are.

use super::at;
use super::pages::{self, Shown};
use super::reader::{reader, text};
use super::shell::{Room, Shell};
use super::sign_in::query;
use super::text::Text;
use super::{Pages, Shared, Visitor};
use crate::auth::Permission;
use crate::store::{Publisher, StoreError};
use api::paths::segment;
use askama::Template;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use publishing::principal::Circle as Stored;
use std::sync::Arc;

/// How many circles one page lists.
const PAGE: usize = 50;

/// A circle.
pub(super) enum Circle {
    /// A publisher's members.
    Publisher(Publisher),
    /// The marketplace's staff.
    Marketplace,
}

/// What one has to be allowed to see a page: at a publisher, and in the marketplace.
pub(super) type Needs = (Permission, Permission);

/// To see who is there.
pub(super) const TO_SEE: Needs = (Permission::ReadMembers, Permission::ReadStaff);
/// To change who is there.
pub(super) const TO_MANAGE: Needs = (Permission::ManageMembers, Permission::ManageStaff);
/// To get mails.
pub(super) const TO_READ: Needs = (Permission::Read, Permission::Read);
/// To say who is told.
pub(super) const TO_TELL: Needs = (Permission::ManageNotifications, Permission::ManageNotifications);

/// A circle, for somebody who may do something there.
pub(super) struct CircleAt {
    pub(super) visitor: Arc<Visitor>,
    pub(super) circle: Circle,
}

impl Circle {
    /// The address of its page of this kind.
    pub(super) fn page(&self, kind: &str) -> String {
        match self {
            Self::Publisher(publisher) => format!("/publishers/{}/{kind}", segment(publisher.id.as_str())),
            Self::Marketplace => format!("/marketplace/{kind}"),
        }
    }

    /// Where the API has its people, its webhooks, or the reader's mails about it.
    pub(super) fn members(&self) -> String {
        self.api("/members", "/staff")
    }

    pub(super) fn subscriptions(&self) -> String {
        self.api("/subscriptions", "/subscriptions")
    }

    pub(super) fn mails(&self) -> String {
        self.api("/notifications/mail", "/notifications/mail")
    }

    fn api(&self, at_publisher: &str, in_marketplace: &str) -> String {
        match self {
            Self::Publisher(publisher) => format!("/api/publishers/{}{at_publisher}", segment(publisher.id.as_str())),
            Self::Marketplace => format!("/api{in_marketplace}"),
        }
    }

    /// Its name for people.
    pub(super) fn name(&self, t: Text) -> String {
        match self {
            Self::Publisher(publisher) if publisher.display_text.trim().is_empty() => publisher.id.to_string(),
            Self::Publisher(publisher) => publisher.display_text.clone(),
            Self::Marketplace => t.circle_marketplace(),
        }
    }

    /// Its id, where it is a publisher's.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Publisher(publisher) => Some(publisher.id.as_str()),
            Self::Marketplace => None,
        }
    }

    /// As it is kept.
    pub(super) fn stored(&self) -> Stored {
        match self {
            Self::Publisher(publisher) => Stored::Publisher(publisher.id.clone()),
            Self::Marketplace => Stored::Marketplace,
        }
    }
}

impl CircleAt {
    /// Whether this is allowed here.
    pub(super) fn may(&self, needs: Needs) -> bool {
        match &self.circle {
            Circle::Publisher(publisher) => self.visitor.may(publisher.id.as_str(), needs.0),
            Circle::Marketplace => self.visitor.caller.authorise_marketplace(needs.1).is_ok(),
        }
    }

    /// What changes with each change of the circle's people or their credentials: a form that was made before that is told apart.
    ///
    /// # Errors
    /// Where the archive cannot be read.
    pub(super) fn revision(&self, pages: &Pages) -> Result<String, StoreError> {
        let there = pages.read.circle(&self.circle.stored())?;
        Ok(there.map_or(0, |there| there.revision).to_string())
    }
}

/// The circle that a path is of.
///
/// # Errors
/// The page that says that there is none, or the way to sign in.
pub(super) fn at(pages: &Pages, names: &RawPathParams, needs: Needs) -> Result<CircleAt, Box<Response>> {
    if names.iter().any(|(name, _)| name == "publisher") {
        let at = at::publisher(pages, names, needs.0)?;
        return Ok(CircleAt { visitor: at.visitor, circle: Circle::Publisher(at.publisher) });
    }
    let at = CircleAt { visitor: at::signed_in()?, circle: Circle::Marketplace };
    if at.may(needs) { Ok(at) } else { Err(at::no_publisher()) }
}

/// A parameter of the path.
pub(super) fn named<'a>(names: &'a RawPathParams, wanted: &str) -> &'a str {
    names.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| value)
}

/// The list of circles.
#[derive(Template)]
#[template(path = "circles.html")]
struct CirclesPage {
    shell: Shell,
    title: String,
    /// Name, id, and address.
    rows: Vec<(String, Option<String>, String)>,
    command: &'static str,
    /// What was searched for.
    text: String,
    page: usize,
    before: Option<String>,
    after: Option<String>,
}

/// Leads to whose people one may see.
pub(super) async fn access(State(pages): Shared, uri: Uri) -> Shown {
    choose(&pages, &uri, "access", TO_SEE).unwrap_or_else(|refused| *refused).into()
}

/// Leads to about whose offers one can be told.
pub(super) async fn notifications(State(pages): Shared, uri: Uri) -> Shown {
    choose(&pages, &uri, "notifications", TO_READ).unwrap_or_else(|refused| *refused).into()
}

fn choose(pages: &Pages, uri: &Uri, kind: &'static str, needs: Needs) -> Result<Response, Box<Response>> {
    let visitor = at::signed_in()?;
    let circles = there(pages, &visitor, needs).map_err(|error| Box::new(pages::not_now(&error)))?;
    if let [only] = circles.as_slice() {
        return Ok(pages::see(&only.page(kind)));
    }
    let room = if kind == "access" { Room::Access } else { Room::Notifications };
    let shell = Shell::of(room);
    let (t, asked) = (shell.t, query(uri));
    let wanted: String = asked.get("q").map_or("", String::as_str).chars().take(200).collect();
    let page: usize = asked.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 100_000);
    let fits = |circle: &&Circle| {
        let wanted = wanted.to_lowercase();
        circle.name(t).to_lowercase().contains(&wanted)
            || circle.id().is_some_and(|id| id.to_lowercase().contains(&wanted))
    };
    let fitting: Vec<&Circle> = circles.iter().filter(fits).collect();
    let first = (page - 1) * PAGE;
    let at_page = |page: usize| {
        let mut query = form_urlencoded::Serializer::for_suffix(format!("/{kind}?"), kind.len() + 2);
        query.append_pair("q", &wanted).append_pair("page", &page.to_string()).finish()
    };
    let row = |circle: &&Circle| (circle.name(t), circle.id().map(str::to_owned), circle.page(kind));
    let template = CirclesPage {
        title: if kind == "access" { t.nav_access() } else { t.nav_notifications() },
        rows: fitting.iter().skip(first).take(PAGE).map(row).collect(),
        command: if kind == "access" {
            "portolan access list --publisher …"
        } else {
            "portolan notify list --publisher …"
        },
        page,
        before: (page > 1).then(|| at_page(page - 1)),
        after: (first + PAGE < fitting.len()).then(|| at_page(page + 1)),
        text: wanted.clone(),
        shell,
    };
    Ok(pages::page(StatusCode::OK, &template))
}

/// The circles where somebody may do this: the marketplace, then publishers in the order of their ids.
fn there(pages: &Pages, visitor: &Visitor, needs: Needs) -> Result<Vec<Circle>, StoreError> {
    let in_marketplace = visitor.caller.authorise_marketplace(needs.1).is_ok().then_some(Circle::Marketplace);
    let publishers = publishers(pages, visitor, needs.0)?.into_iter().map(Circle::Publisher);
    Ok(in_marketplace.into_iter().chain(publishers).collect())
}

/// The publishers at which somebody may do this, as a member or as staff, in the order of their ids.
///
/// # Errors
/// Where the archive cannot be read.
pub(super) fn publishers(
    pages: &Pages,
    visitor: &Visitor,
    permission: Permission,
) -> Result<Vec<Publisher>, StoreError> {
    if visitor.caller.authorise_marketplace(permission).is_ok() {
        return pages.read.publishers();
    }
    let mut own: Vec<String> = visitor.caller.publishers().map(|(id, _)| id.folded()).collect();
    own.sort();
    let mut found = Vec::new();
    for id in own.iter().filter(|id| visitor.may(id, permission)) {
        found.extend(pages.read.publisher(id)?);
    }
    Ok(found)
}

/// The page for what is not there in a circle.
pub(super) fn nothing(words: &str) -> Box<Response> {
    let t = text();
    Box::new(pages::message(StatusCode::NOT_FOUND, &t.fault_lost_title(), words, &[], Some(("/", &t.fault_home()))))
}

/// What the query says was done, so that the page can say so.
pub(super) fn was_done() -> String {
    let address = reader().address.parse::<Uri>().unwrap_or_default();
    query(&address).remove("done").unwrap_or_default()
}
