//! What a reviewer does about a review: takes it in hand, lets it go, notes something, decides. Each through the API.

use super::account::signed_in;
use super::forms::Form;
use super::pages::{self, Shown};
use super::reader::text;
use super::refused;
use super::review::{Entered, ReviewAt, find, page};
use super::reviews::{path_of, reviewer};
use super::{Pages, Shared, Visitor};
use api::errors::ErrorBody;
use api::paths::segment;
use api::reviews::{NewNote, ReviewRequest, Verdict, VerdictRequest};
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use http::{Request, StatusCode};
use std::sync::Arc;

/// What was sent, by whom, about what.
struct Sent {
    form: Form,
    visitor: Arc<Visitor>,
    at: ReviewAt,
}

impl Sent {
    async fn read(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Self, Box<Response>> {
        let form = Form::read(request).await?;
        let visitor = signed_in(&form)?;
        reviewer()?;
        let at = find(pages, &visitor, names).await?;
        Ok(Self { form, visitor, at })
    }

    fn queue(&self) -> Option<String> {
        Some(self.form.field("queue").to_owned()).filter(|queue| !queue.is_empty())
    }

    /// The path of what is done about it.
    fn path(&self, word: &str) -> String {
        format!("/api/reviews/{}/{}/{word}", self.at.seen.operation_id, segment(&self.at.seen.step_id))
    }

    fn page(&self) -> String {
        path_of(self.at.seen.operation_id, &self.at.seen.step_id)
    }

    fn entered(&self) -> Entered {
        // Browsers send line breaks as two characters.
        let field = |name: &str| self.form.field(name).replace("\r\n", "\n");
        Entered {
            message: field("message"),
            code: field("code"),
            target: field("target"),
            mend: field("mend"),
            note: field("text"),
            is_public: self.form.field("public") == "yes",
            is_preview: false,
            fault: None,
        }
    }

    /// The page again, as it is by now, with what was entered and what is wrong.
    async fn again(&self, pages: &Pages, names: &RawPathParams, entered: Entered, status: StatusCode) -> Response {
        let at = match find(pages, &self.visitor, names).await {
            Ok(at) => at,
            Err(refused) => return *refused,
        };
        page(pages, &self.visitor, &at, self.queue().as_deref(), status, &entered).await
    }

    /// The page with the message as the publisher will see it.
    async fn preview(&self, pages: &Pages, names: &RawPathParams) -> Response {
        let entered = self.entered();
        if entered.message.trim().is_empty() {
            let fault = Some(("message", text().review_message_needed()));
            return self.again(pages, names, Entered { fault, ..entered }, StatusCode::BAD_REQUEST).await;
        }
        self.again(pages, names, Entered { is_preview: true, ..entered }, StatusCode::OK).await
    }

    async fn refused(&self, pages: &Pages, names: &RawPathParams, error: ErrorBody) -> Response {
        let field = match error.target.as_deref() {
            Some("/message") => "message",
            Some("/code") => "code",
            Some("/target") => "target",
            Some("/mend") => "mend",
            Some("/text") => "note",
            _ => "",
        };
        let status = refused::status(&error);
        let entered = Entered { fault: Some((field, error.message)), ..self.entered() };
        self.again(pages, names, entered, status).await
    }
}

/// Does what the button says that was pressed.
pub(super) async fn act(State(pages): Shared, names: RawPathParams, request: Request<Body>) -> Shown {
    acted(&pages, &names, request).await.unwrap_or_else(|refused| *refused).into()
}

async fn acted(pages: &Pages, names: &RawPathParams, request: Request<Body>) -> Result<Response, Box<Response>> {
    let sent = Sent::read(pages, names, request).await?;
    let deed = sent.form.field("deed");
    let done = match (Verdict::parse(deed), deed) {
        (Some(verdict), _) => decide(pages, &sent, verdict).await,
        (None, "claim" | "release") => hold(pages, &sent, deed).await,
        (None, "note") => note(pages, &sent).await,
        // What a key press sends that no button does, decides nothing.
        (None, _) => return Ok(sent.preview(pages, names).await),
    };
    match done {
        Ok(address) => Ok(pages::see(&address)),
        Err(error) => Ok(sent.refused(pages, names, error).await),
    }
}

/// Takes a review in hand, or lets it go. The address that leads on.
async fn hold(pages: &Pages, sent: &Sent, word: &str) -> Result<String, ErrorBody> {
    let queue = sent.queue();
    let query = queue.as_ref().map_or_else(String::new, |queue| format!("?queue={}", segment(queue)));
    pages.api(&sent.visitor).post(&sent.path(word), &ReviewRequest { queue }).await?;
    Ok(format!("{}{query}", sent.page()))
}

/// Writes something down, for reviewers or for the publisher too. The address that leads on.
async fn note(pages: &Pages, sent: &Sent) -> Result<String, ErrorBody> {
    let entered = sent.entered();
    let note = NewNote { text: entered.note, public: entered.is_public, queue: sent.queue() };
    pages.api(&sent.visitor).post(&sent.path("notes"), &note).await?;
    Ok(format!("{}#notes", sent.page()))
}

/// Decides. The address that leads on.
async fn decide(pages: &Pages, sent: &Sent, verdict: Verdict) -> Result<String, ErrorBody> {
    let (entered, queue) = (sent.entered(), sent.queue());
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let request = match verdict {
        Verdict::Approve | Verdict::Unblock => VerdictRequest { queue, ..VerdictRequest::default() },
        Verdict::Reject | Verdict::Block => VerdictRequest {
            message: given(entered.message),
            code: given(entered.code),
            target: given(entered.target),
            mend: given(entered.mend),
            link: None,
            queue,
        },
    };
    pages.api(&sent.visitor).post(&sent.path(verdict.word()), &request).await?;
    Ok(format!("/reviews?done={}&of={}", verdict.word(), sent.at.seen.operation_id))
}
