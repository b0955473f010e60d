//! The editor of an offer's draft: what is shown, changed and saved.

use super::account::signed_in;
use super::at::{self, OfferAt};
use super::edit_apply::{Applied, apply, as_typed, without};
use super::edit_form::{Maker, shape_at};
use super::edit_page::{Clash, Done, EditPage, Found, Said, based, said, take};
use super::fields::masked;
use super::forms::Form;
use super::pages::{self, Shown};
use super::refused;
use super::shell::{Room, Shell};
use super::sign_in::query;
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::wire;
use api::compare::{Change, changes};
use api::errors::{ErrorBody, ErrorCode};
use api::events::HistoryPage;
use api::offers::PutOffer;
use api::paths::segment;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use publishing::explain::explain;
use publishing::moment::Moment;
use publishing::offer::Offer;
use publishing::places;
use publishing::secrets::{escape, take_out};
use publishing::shape::Shape;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The longest form of a definition, in bytes: the longest definition twice, written as forms are.
const LONGEST: usize = 32 << 20;

/// How many differences are shown, and how much of each value.
const DIFFERENCES: usize = 50;
const LONGEST_VALUE: usize = 200;

/// The draft, to be edited, at the field that the query names.
pub(super) async fn show(State(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let query = query(&uri);
    let offer = &at.offer;
    let mut page = page(&pages, &at, offer.draft.definition.clone(), wire::date(offer.changed_at).etag());
    page.said.extend(explain(offer, pages.perform.now()).errors.into_iter().map(|message| Said {
        pointer: message.target.clone(),
        text: message.text.clone(),
        is_english: true,
        is_old: true,
    }));
    page.at = query.get("at").and_then(|at| at.strip_prefix("/definition")).map(str::to_owned);
    if query.get("as").is_some_and(|form| form == "json") {
        page.typed = Some(page.text.clone());
    }
    // True whoever says it: what is shown is what is stored.
    if query.contains_key("saved") {
        page.done = Done::Saved;
    }
    if query.contains_key("check") && page.may_publish {
        let path = format!("{}/publish?dryRun=true", api_path(offer));
        match pages.api(&at.visitor).send(Method::POST, &path, None, Bytes::new()).await {
            Ok(_) => page.done = Done::Sound,
            Err(error) => page.said = said(&error),
        }
    }
    with_rows(&pages, &at, page).shown(StatusCode::OK).into()
}

/// Changes the working copy as a form says, and saves it where that is asked for.
pub(super) async fn save(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    changed(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn changed(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    // Whoever may not save need not send so much.
    at::publisher(pages, names, Permission::SaveDraft)?;
    let at = at::offer(pages, names).await?;
    let form = Form::read_within(request, LONGEST).await?;
    signed_in(&form)?;
    let shell = Shell::here();
    let broken = || Box::new(pages::fault(StatusCode::BAD_REQUEST, &shell.t.edit_broken()));
    let base =
        based(form.field("base")).filter(|base| serde_json::from_str::<&RawValue>(base).is_ok()).ok_or_else(broken)?;
    let deed = form.field("do");
    let mut page = page(pages, &at, base.clone(), form.field("etag").to_owned());
    let applied = match form.find("json") {
        Some(sent) => typed(&at, pages, &mut page, &base, sent),
        None => {
            page = with_rows(pages, &at, page);
            apply(&base, &page.rows, &form)
        }
    };
    let whole = applied.with_secrets();
    take(&mut page, applied);
    let (verb, pointer) = deed.split_at(deed.find('/').unwrap_or(deed.len()));
    let is_sound = page.wrong.is_empty() && page.said.is_empty();
    match verb {
        "save" | "over" if is_sound => return Ok(put(pages, &at, page, &form, &whole).await),
        "json" if is_sound => page.typed = Some(page.text.clone()),
        "form" if is_sound => page.typed = None,
        "add" => page.at = Some(added(pages, &at, &mut page, &form, pointer)),
        "remove" => {
            let parent = pointer.rsplit_once('/').map_or("", |(parent, _)| parent);
            if let Some(text) = places::remove(&page.text, pointer) {
                let place = places::at(&page.text, parent).map(places::Place::of);
                let is_item = matches!(place, Some(places::Place::Array(_)));
                page.wrong = without(page.wrong, pointer, is_item);
                page.text = text;
            }
            page.at = Some(parent.to_owned());
        }
        _ => {}
    }
    let status = if is_sound { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(with_rows(pages, &at, page).shown(status))
}

/// A definition that was typed as a whole.
fn typed(at: &OfferAt, pages: &Pages, page: &mut EditPage, base: &str, sent: &str) -> Applied {
    let text = as_typed(base, sent);
    let secrets = pages.types.get(&at.offer.offer_type).map_or(&[][..], |of| of.secrets());
    let mut applied = Applied { text: text.trim().to_owned(), ..Applied::default() };
    if let Ok(taken) = take_out(&applied.text, secrets) {
        let quoted = taken.secrets.0.iter().map(|(pointer, value)| (pointer.clone(), value.to_string()));
        applied.secrets = quoted.collect();
        // What was JSON is shown again without its secrets; what is none is shown as it was typed.
        applied.text = taken.definition.unwrap_or(applied.text);
    }
    if let Err(error) = serde_json::from_str::<&RawValue>(&text) {
        page.said.push(Said { pointer: None, text: error.to_string(), is_english: true, is_old: false });
        // What is no JSON cannot be a working copy.
        applied.text = base.to_owned();
        page.typed = Some(text);
    } else {
        page.typed = Some(applied.text.clone());
    }
    applied
}

/// Adds what a form says to the object or array at a pointer; gives where it is then.
fn added(pages: &Pages, at: &OfferAt, page: &mut EditPage, form: &Form, pointer: &str) -> String {
    let Some(of) = pages.types.get(&at.offer.offer_type) else { return pointer.to_owned() };
    let root = of.schema().shape();
    let shape = shape_at(&page.text, &root, pointer);
    let named = form.field(&format!("named{pointer}")).trim();
    let name = if named.is_empty() { form.field(&format!("member{pointer}")) } else { named };
    let is_item = matches!(places::at(&page.text, pointer).map(places::Place::of), Some(places::Place::Array(_)));
    let below =
        if is_item { shape.and_then(|shape| shape.items()) } else { shape.and_then(|shape| shape.member(name)) };
    let value = below.as_ref().map_or_else(|| Value::String(String::new()), Shape::smallest);
    if !is_item && name.is_empty() {
        return pointer.to_owned();
    }
    let Some(text) = places::insert(&page.text, pointer, name, &value.to_string()) else { return pointer.to_owned() };
    let last = match places::at(&text, pointer).map(places::Place::of) {
        Some(places::Place::Array(items)) => items.len().saturating_sub(1).to_string(),
        _ => escape(name),
    };
    page.text = text;
    format!("{pointer}/{last}")
}

/// Saves the working copy.
async fn put(pages: &Pages, at: &OfferAt, mut page: EditPage, form: &Form, whole: &str) -> Response {
    let offer = &at.offer;
    let etag = if form.field("do") == "over" { form.field("newer").to_owned() } else { page.etag.clone() };
    let as_json = if page.typed.is_some() { "&as=json" } else { "" };
    let saved = pages::see(&format!("{}/edit?saved=1{as_json}", page.path));
    let body = RawValue::from_string(whole.to_owned()).map(|definition| PutOffer {
        publisher_id: offer.key.publisher.to_string(),
        offer_type_id: offer.offer_type.clone(),
        id: offer.key.offer.to_string(),
        definition,
    });
    let body = match body {
        Ok(body) => body,
        Err(error) => return pages::not_now(&error),
    };
    let api = pages.api(&at.visitor);
    let error = match api.send_json(Method::PUT, &api_path(offer), Some(&etag), &body).await {
        Ok(_) => return saved,
        Err(error) => error,
    };
    let status = refused::status(&error);
    if error.code != ErrorCode::PreconditionFailed {
        page.said = said(&error);
        return with_rows(pages, at, page).shown(status);
    }
    let current = match pages.read.offer(&offer.key).await {
        Ok(current) => current.unwrap_or_else(|| offer.clone()),
        Err(error) => return pages::not_now(&error),
    };
    if current.draft.definition == page.text && !page.lost_secrets {
        // The same was saved already: the form was sent twice.
        return saved;
    }
    page.clash = Some(clash(pages, at, &current, &page).await);
    with_rows(pages, at, page).shown(status)
}

async fn clash(pages: &Pages, at: &OfferAt, current: &Offer, page: &EditPage) -> Clash {
    let path = format!("{}/history?order=desc&$top=1&event=created,draftSaved,published", api_path(current));
    let last: Result<HistoryPage, ErrorBody> = pages.api(&at.visitor).get(&path).await;
    let last = last.ok().and_then(|page| page.value.into_iter().next()).map(|entry| entry.happened);
    // Both are JSON: what is saved, and a working copy.
    let changes = changes(&current.draft.definition, &page.text).unwrap_or_default();
    let shown = |text: Option<&str>| text.unwrap_or("–").chars().take(LONGEST_VALUE).collect();
    let row = |change: &Change| {
        let place = change.path.strip_prefix("/definition").unwrap_or(&change.path).to_owned();
        (place, shown(change.before.as_deref()), shown(change.after()))
    };
    let mut differences: Vec<(String, String, String)> = changes.iter().map(row).collect();
    let more = differences.len().saturating_sub(DIFFERENCES);
    differences.truncate(DIFFERENCES);
    Clash {
        last: last.map(|last| (last.by, last.title, page.shell.when(Moment::from_ticks(last.at.ticks())))),
        newer: wire::date(current.changed_at).etag(),
        differences,
        more,
    }
}

/// The page of a working copy, without its rows.
fn page(pages: &Pages, at: &OfferAt, text: String, etag: String) -> EditPage {
    let offer = &at.offer;
    let may = |permission| at.visitor.may(offer.key.publisher.as_str(), permission);
    EditPage {
        shell: Shell::of(Room::Offers),
        path: at::path_of(&offer.key),
        name: at::name_of(offer),
        publisher: offer.key.publisher.to_string(),
        offer: offer.key.offer.to_string(),
        etag,
        // Without its type nobody knows what a definition is made of.
        typed: pages.types.get(&offer.offer_type).is_none().then(|| text.clone()),
        text,
        rows: Vec::new(),
        at: None,
        wrong: BTreeMap::new(),
        said: Vec::new(),
        clash: None,
        done: Done::Nothing,
        lost_secrets: false,
        may_save: may(Permission::SaveDraft),
        may_publish: may(Permission::Publish),
        found: Found::default(),
    }
}

/// The page with the rows of what it holds now; as JSON, where they cannot be made.
fn with_rows(pages: &Pages, at: &OfferAt, mut page: EditPage) -> EditPage {
    if !page.may_save {
        // What cannot be shown is not.
        page.text = masked(&at.offer.draft).unwrap_or_default();
        return page;
    }
    if page.typed.is_some() {
        return page;
    }
    let rows = pages.types.get(&at.offer.offer_type).and_then(|of| {
        let maker = Maker { draft: &at.offer.draft, secrets: of.secrets(), rows: Vec::new() };
        maker.rows(&page.text, &of.schema().shape())
    });
    match rows {
        Some(rows) => page.rows = rows,
        None => page.typed = Some(page.text.clone()),
    }
    page
}

/// The address of an offer in the API.
fn api_path(offer: &Offer) -> String {
    let (publisher, id) = (segment(offer.key.publisher.as_str()), segment(offer.key.offer.as_str()));
    format!("/api/publishers/{publisher}/offers/{id}")
}
