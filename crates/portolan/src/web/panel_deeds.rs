//! What the emulator's panel does: each form is one of the emulator's own calls, and leads back to the panel.

use super::asks::Api;
use super::forms::Form;
use super::pages::{self, Shown};
use super::reader::text;
use super::refused::{self, Refused};
use super::shell::{Room, Shell};
use super::{lost, panel, panel_faults};
use api::emulator::{Advance, NewSnapshot, Person, Reach, Speed};
use api::errors::ErrorBody;
use api::paths::segment;
use askama::Template;
use axum::body::Body;
use axum::extract::Path;
use axum::response::Response;
use bytes::Bytes;
use http::{Extensions, Method, Request, StatusCode};

/// Asks whether everything shall begin anew.
#[derive(Template)]
#[template(path = "panel_reset.html")]
struct ResetPage {
    shell: Shell,
}

/// How a form ends that was not taken: refused by the emulator, or by us.
enum Not {
    Said(ErrorBody),
    Own(Refused),
    Lost,
}

impl From<ErrorBody> for Not {
    fn from(error: ErrorBody) -> Self {
        Self::Said(error)
    }
}

/// Asks before everything begins anew.
pub(super) async fn ask(extensions: Extensions) -> Shown {
    match panel::calls(&extensions) {
        Err(refused) => (*refused).into(),
        Ok(_) => pages::page(StatusCode::OK, &ResetPage { shell: Shell::of(Room::Emulator) }).into(),
    }
}

/// Has everything begin anew.
pub(super) async fn reset(request: Request<Body>) -> Shown {
    acted("reset", request).await.unwrap_or_else(|refused| *refused).into()
}

/// Does what a form of the panel is for. Nobody need be signed in: the emulator's door has let in who may do this, and pages of
/// other sites are refused there and here.
pub(super) async fn act(Path(deed): Path<String>, request: Request<Body>) -> Shown {
    acted(&deed, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn acted(deed: &str, request: Request<Body>) -> Result<Response, Box<Response>> {
    let calls = panel::calls(request.extensions())?;
    let form = Form::read(request).await?;
    match done(&calls, deed, &form).await {
        Ok(address) => Ok(pages::see(&address)),
        Err(Not::Lost) => Err(Box::new(lost::page())),
        Err(Not::Own(refused)) => panel::page(&calls, Some(&form), refused, StatusCode::BAD_REQUEST).await,
        Err(Not::Said(mut error)) => {
            // The page has fields of several forms, and what the emulator names may be another's.
            error.target = None;
            error.details.clear();
            panel::page(&calls, Some(&form), Refused::of(&error), refused::status(&error)).await
        }
    }
}

/// Does it; gives where to go on.
async fn done(calls: &Api, deed: &str, form: &Form) -> Result<String, Not> {
    let field = |name: &str| form.field(name).trim().to_owned();
    let given = |name: &str| Some(field(name)).filter(|text| !text.is_empty());
    let snapshot = |rest: &str| format!("/emulator/snapshots/{}{rest}", segment(form.field("name")));
    let word = match deed {
        "advance" => {
            calls
                .post("/emulator/advance", &Advance { by: given("by"), to: given("to"), ..Advance::default() })
                .await?;
            "advanced"
        }
        "freeze" => {
            calls.send(Method::POST, "/emulator/freeze", None, Bytes::new()).await?;
            "frozen"
        }
        "speed" => {
            let speed =
                field("speed").parse().map_err(|_| Not::Own(Refused::own("speed", text().panel_no_number())))?;
            calls.post("/emulator/speed", &Speed { speed }).await?;
            "speed"
        }
        "fault" => {
            let fault = panel_faults::read(form, text()).map_err(Not::Own)?;
            calls.post("/emulator/faults", &fault).await?;
            "fault"
        }
        "remove-fault" => {
            let path = format!("/emulator/faults/{}", segment(form.field("id")));
            calls.send(Method::DELETE, &path, None, Bytes::new()).await?;
            "fault-removed"
        }
        "snapshot" => {
            calls.post("/emulator/snapshots", &NewSnapshot { name: field("name") }).await?;
            "snapshot"
        }
        "restore" => {
            calls.send(Method::POST, &snapshot("/restore"), None, Bytes::new()).await?;
            "restored"
        }
        "forget" => {
            calls.send(Method::DELETE, &snapshot(""), None, Bytes::new()).await?;
            "forgotten"
        }
        "reset" => {
            calls.send(Method::POST, "/emulator/reset", None, Bytes::new()).await?;
            "reset"
        }
        "reach" => {
            let reach = Reach { offer: field("reach-offer"), status: given("reach-status"), ..Reach::default() };
            calls.post("/emulator/reach", &reach).await?;
            "reached"
        }
        "be" => {
            let people: Vec<Person> = calls.get("/emulator/people").await?;
            let role = form.field("role");
            let person = people.into_iter().find(|person| person.role == role).ok_or(Not::Lost)?;
            return Ok(format!("{}&then=%2Femulator%3Fdone%3Dbe", person.sign_in));
        }
        _ => return Err(Not::Lost),
    };
    Ok(format!("/emulator?done={word}"))
}
