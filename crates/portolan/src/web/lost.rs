//! What is nowhere: a page for people, an error of the API for programs.

use super::pages::{self, Shown};
use super::reader::text;
use crate::http::no_such_path;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::ACCEPT;
use http::{Request, StatusCode};

/// Says that there is nothing.
pub(super) async fn show(request: Request<Body>) -> Shown {
    let accepts = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    if request.uri().path().starts_with("/api") || !accepts.contains("text/html") {
        return no_such_path(request.uri().clone()).await.into_response().into();
    }
    page().into()
}

/// The page that says so, also of what is not for whoever asks.
pub(super) fn page() -> Response {
    let t = text();
    pages::message(StatusCode::NOT_FOUND, &t.fault_lost_title(), &t.fault_lost(), &[], Some(("/", &t.fault_home())))
}
