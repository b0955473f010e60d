//! What programs asked an emulator, the newest first: what was answered, to whom, and which fault came in between.

use super::outbox::part;
use super::pages::{self, Shown};
use super::panel::calls;
use super::refused;
use super::shell::{Html, Room, Shell};
use api::emulator::Asked;
use askama::Template;
use axum::response::Response;
use http::{Extensions, StatusCode, Uri};
use publishing::moment::Moment;

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    shell: Shell,
    rows: Vec<AskedRow>,
    older: Option<String>,
}

/// One request.
pub(super) struct AskedRow {
    pub(super) at: Html,
    pub(super) asked: Asked,
}

impl AskedRow {
    /// The path without what follows it, for where there is little room.
    pub(super) fn path(&self) -> &str {
        self.asked.path.split('?').next().unwrap_or_default()
    }
}

pub(super) fn row(shell: &Shell, asked: Asked) -> AskedRow {
    AskedRow { at: shell.at(Moment::from_ticks(asked.at.ticks())), asked }
}

/// Everything that was asked.
pub(super) async fn list(extensions: Extensions, uri: Uri) -> Shown {
    listed(&extensions, &uri).await.unwrap_or_else(|refused| *refused).into()
}

async fn listed(extensions: &Extensions, uri: &Uri) -> Result<Response, Box<Response>> {
    let all = calls(extensions)?.get::<Vec<Asked>>("/emulator/requests").await;
    let all = all.map_err(|error| refused::page(&error))?;
    let (part, last) = part(all, |asked| asked.number, uri);
    let shell = Shell::of(Room::Emulator);
    let rows = part.into_iter().map(|asked| row(&shell, asked)).collect();
    let older = last.map(|last| format!("/emulator/requests?before={last}"));
    Ok(pages::page(StatusCode::OK, &RequestsPage { rows, older, shell }))
}
