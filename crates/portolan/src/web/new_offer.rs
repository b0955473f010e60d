//! A new offer: at which publisher, of which type, under which id; its draft is the smallest that the type allows.

use super::account::signed_in;
use super::forms::Form;
use super::pages::{self, Shown};
use super::shell::{Room, Shell};
use super::sign_in::query;
use super::{Pages, Shared, Visitor, at, circles, refused};
use crate::auth::Permission;
use crate::listing::named;
use api::errors::ErrorBody;
use api::offers::PutOffer;
use api::paths::segment;
use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Method, Request, StatusCode, Uri};
use serde_json::Value;
use serde_json::value::RawValue;

/// The form of a new offer.
#[derive(Template)]
#[template(path = "new_offer.html")]
struct NewPage {
    shell: Shell,
    /// Publishers and types there are: id and name.
    publishers: Vec<(String, String)>,
    types: Vec<(String, String)>,
    typed: Typed,
    /// The field that is at fault, why, and whether that is said in English.
    fault: Option<(&'static str, String, bool)>,
    /// The offer that is there already.
    known: Option<String>,
}

/// What somebody has typed.
#[derive(Default)]
struct Typed {
    publisher: String,
    offer_type: String,
    id: String,
    name: String,
}

impl NewPage {
    /// Whether a field is at fault.
    fn wrong(&self, field: &str) -> bool {
        self.fault.as_ref().is_some_and(|(at, _, _)| *at == field)
    }
}

/// The form.
pub(super) async fn show(State(pages): Shared, uri: Uri) -> Shown {
    let visitor = match at::signed_in() {
        Ok(visitor) => visitor,
        Err(refused) => return (*refused).into(),
    };
    let publisher = query(&uri).remove("publisher").unwrap_or_default();
    let typed = Typed { publisher, ..Typed::default() };
    match page(&pages, &visitor, typed) {
        Ok(page) => pages::page(StatusCode::OK, &page).into(),
        Err(refused) => (*refused).into(),
    }
}

fn page(pages: &Pages, visitor: &Visitor, typed: Typed) -> Result<NewPage, Box<Response>> {
    let all =
        circles::publishers(pages, visitor, Permission::SaveDraft).map_err(|error| Box::new(pages::not_now(&error)))?;
    let publishers: Vec<_> = all.into_iter().map(|one| (one.id.to_string(), one.display_text)).collect();
    if publishers.is_empty() {
        return Err(at::no_publisher());
    }
    let types = pages.types.iter().map(|one| (one.id.clone(), one.display_text.clone())).collect();
    Ok(NewPage { shell: Shell::of(Room::Offers), publishers, types, typed, fault: None, known: None })
}

/// Makes the offer, and leads to its editor.
pub(super) async fn make(State(pages): Shared, request: Request<Body>) -> Shown {
    made(&pages, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn made(pages: &Pages, request: Request<Body>) -> Result<Response, Box<Response>> {
    let form = Form::read(request).await?;
    let visitor = signed_in(&form)?;
    let field = |name: &str| form.field(name).trim().to_owned();
    let typed =
        Typed { publisher: field("publisher"), offer_type: field("type"), id: field("id"), name: field("name") };
    let mut page = page(pages, &visitor, typed)?;
    let (t, typed) = (page.shell.t, &page.typed);
    let refused = |mut page: NewPage, status, fault| {
        page.fault = Some(fault);
        Ok(pages::page(status, &page))
    };
    if !visitor.may(&typed.publisher, Permission::SaveDraft) {
        return Err(at::no_publisher());
    }
    let Some(of) = pages.types.get(&typed.offer_type) else {
        return refused(page, StatusCode::UNPROCESSABLE_ENTITY, ("type", t.new_no_type(), false));
    };
    if typed.name.is_empty() {
        return refused(page, StatusCode::UNPROCESSABLE_ENTITY, ("name", t.new_no_name(), false));
    }
    if typed.id.is_empty() {
        return refused(page, StatusCode::UNPROCESSABLE_ENTITY, ("id", t.new_no_id(), false));
    }
    if let Some(key) = named(&typed.publisher, &typed.id) {
        // Where the marketplace lets a PUT without If-Match write over a draft, one made after this look is written over: HTTP has
        // If-None-Match for that, and the API does not take it here.
        let there = pages.read.offer(&key).await.map_err(|error| Box::new(pages::not_now(&error)))?;
        if let Some(offer) = there {
            page.known = Some(at::path_of(&offer.key));
            return refused(page, StatusCode::CONFLICT, ("id", t.new_known(), false));
        }
    }
    let mut definition = of.schema().shape().smallest();
    match &mut definition {
        Value::Object(members) => drop(members.insert("displayText".to_owned(), Value::from(typed.name.as_str()))),
        other => *other = serde_json::json!({ "displayText": typed.name }),
    }
    let definition =
        RawValue::from_string(format!("{definition:#}")).map_err(|error| Box::new(pages::not_now(&error)))?;
    let (publisher_id, id) = (typed.publisher.clone(), typed.id.clone());
    let body = PutOffer { publisher_id, id, offer_type_id: of.id.clone(), definition };
    let path = format!("/api/publishers/{}/offers/{}", segment(&typed.publisher), segment(&typed.id));
    match pages.api(&visitor).send_json(Method::PUT, &path, None, &body).await {
        Ok(_) => Ok(pages::see(&format!(
            "/publishers/{}/offers/{}/edit?saved=1",
            segment(&typed.publisher),
            segment(&typed.id)
        ))),
        Err(error) => {
            let status = refused::status(&error);
            refused(page, status, (field_of(&error), error.message, true))
        }
    }
}

/// The field that the API says no about.
fn field_of(error: &ErrorBody) -> &'static str {
    match error.target.as_deref() {
        Some("/offerTypeId") => "type",
        Some(target) if target.starts_with("/definition") => "name",
        _ => "id",
    }
}
