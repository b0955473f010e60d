//! The sign-in page of the built-in issuer: mail address and password in, a code out.

use super::forms::{Form, too_many};
use super::pages::{self, AuthorizePage, Shown};
use super::reader::text as words;
use super::shell::Shell;
use super::{Pages, Shared};
use crate::issuer::{Asked, Issuer};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{Request, StatusCode, Uri};
use std::collections::HashMap;

/// The form.
pub(super) async fn show(State(pages): Shared, uri: Uri) -> Shown {
    match asked(&pages, &uri) {
        Err(refused) => (*refused).into(),
        Ok(_) => form(&uri, "", None, StatusCode::OK).into(),
    }
}

/// The form that was filled in.
pub(super) async fn sign_in(State(pages): Shared, request: Request<Body>) -> Shown {
    match signed_in(&pages, request).await {
        Ok(response) | Err(response) => (*response).into(),
    }
}

async fn signed_in(pages: &Pages, request: Request<Body>) -> Result<Box<Response>, Box<Response>> {
    let form_sent = Form::read(request).await?;
    let (issuer, asked) = asked(pages, &form_sent.uri)?;
    form_sent.may_try(pages)?;
    let (mail, password) = (form_sent.field("mail").to_owned(), form_sent.field("password").to_owned());
    let account = mail.trim().to_ascii_lowercase();
    pages.limits.of_account(&account).map_err(|refused| too_many(refused, &words().sign_in_many_passwords()))?;
    let failed = |error: &dyn std::fmt::Display| Box::new(pages::not_now(error));
    let known = issuer.sign_in(&mail, password).await.map_err(|error| failed(&error))?;
    let Some(principal) = known else {
        let fault = words().sign_in_wrong();
        return Err(Box::new(form(&form_sent.uri, &mail, Some(&fault), StatusCode::UNAUTHORIZED)));
    };
    let consented = issuer.consent(asked, &principal).await.map_err(|error| failed(&error))?;
    Ok(Box::new(pages::see(&consented.location)))
}

/// What the client asks for, where it is ours; otherwise nobody is sent anywhere.
fn asked<'a>(pages: &'a Pages, uri: &Uri) -> Result<(&'a Issuer, Asked), Box<Response>> {
    let off = || Box::new(pages::fault(StatusCode::NOT_FOUND, &words().sign_in_off()));
    let issuer = pages.issuer.as_ref().ok_or_else(off)?;
    let mut query: HashMap<String, String> =
        form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let mut text = |name: &str| query.remove(name).unwrap_or_default();
    let known = text("response_type") == "code" && text("code_challenge_method") == "S256";
    let asked = Asked {
        client_id: text("client_id"),
        redirect_uri: text("redirect_uri"),
        state: text("state"),
        nonce: Some(text("nonce")).filter(|nonce| !nonce.is_empty() && nonce.len() <= 512),
        code_challenge: text("code_challenge"),
    };
    let whole = "The request to sign in is not whole. Begin at the page that you wanted to see.";
    let fit = if known { asked.check(&pages.redirect_uri()) } else { Err(whole) };
    let title = words().fault_title();
    fit.map_err(|message| Box::new(pages::foreign(StatusCode::BAD_REQUEST, &title, message)))?;
    Ok((issuer, asked))
}

fn form(uri: &Uri, mail: &str, fault: Option<&str>, status: StatusCode) -> Response {
    // Without the path: nobody can have written another host into it.
    let action = format!("?{}", uri.query().unwrap_or_default());
    pages::page(status, &AuthorizePage { shell: Shell::here(), action: &action, mail, fault })
}
