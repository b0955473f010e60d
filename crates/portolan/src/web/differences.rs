//! What is different between two of an offer's versions, field by field and word by word, and the same as a JSON Patch.

use super::at::{self, OfferAt};
use super::pages::{self, Shown};
use super::shell::{Html, Room, Shell};
use super::sign_in::query;
use super::states::mark;
use super::steps::at_field;
use super::text::Text;
use super::words::{self, Piece, Words};
use super::{Pages, Shared};
use crate::auth::Permission;
use crate::store::StoreError;
use api::compare::{self, Change, Op};
use api::state::Tone;
use askama::Template;
use axum::body::Body;
use axum::extract::{RawPathParams, State as Extracted};
use axum::response::Response;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode, Uri};
use publishing::offer::{Draft, Offer};
use publishing::pipeline::CheckKind;
use serde_json::Value;

/// How many fields one page shows.
const PAGE: usize = 50;

/// How many versions can be chosen; older ones are reached by their numbers in the address.
const VERSIONS: usize = 200;

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Live,
    Preview,
    Draft,
    Version(i64),
}

impl Side {
    fn read(word: &str) -> Option<Self> {
        match word {
            "live" | "production" => Some(Self::Live),
            "preview" => Some(Self::Preview),
            "draft" => Some(Self::Draft),
            number => number.parse().ok().map(Self::Version),
        }
    }

    /// Its word in addresses and command lines.
    pub(super) fn word(self) -> String {
        match self {
            Self::Live => "live".to_owned(),
            Self::Preview => "preview".to_owned(),
            Self::Draft => "draft".to_owned(),
            Self::Version(number) => number.to_string(),
        }
    }

    /// What people call it.
    fn name(self, t: Text, offer: &Offer) -> String {
        match self {
            Self::Live => offer.production.map_or_else(|| t.diff_live_none(), |version| t.diff_live(version)),
            Self::Preview => offer.preview.map_or_else(|| t.diff_preview_none(), |version| t.diff_preview(version)),
            Self::Draft => t.diff_draft(),
            Self::Version(version) => t.diff_version(version),
        }
    }
}

/// What is different between two drafts.
pub(super) struct Difference {
    /// What everybody may see.
    pub(super) open: Vec<Change>,
    /// Where secrets changed, and how.
    pub(super) secret: Vec<(Op, String)>,
}

impl Difference {
    /// Finds it.
    ///
    /// # Errors
    /// Where a stored definition cannot be read.
    pub(super) fn between(before: &Draft, after: &Draft) -> Result<Self, StoreError> {
        let changes = compare::changes(&before.definition, &after.definition);
        let changes = changes.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        let (hidden, open): (Vec<_>, Vec<_>) = changes.into_iter().partition(Change::is_secret);
        let mut secret: Vec<_> = hidden.into_iter().map(|change| (change.op, change.path)).collect();
        let path = |pointer: &String| format!("/definition{pointer}");
        let (were, are) = (&before.secrets.0, &after.secrets.0);
        for (pointer, value) in were {
            match are.get(pointer) {
                None => secret.push((Op::Remove, path(pointer))),
                Some(new) if new != value => secret.push((Op::Replace, path(pointer))),
                Some(_) => {}
            }
        }
        secret.extend(are.keys().filter(|pointer| !were.contains_key(*pointer)).map(|new| (Op::Add, path(new))));
        Ok(Self { open, secret })
    }

    /// How many fields are different.
    pub(super) fn count(&self) -> usize {
        self.open.len() + self.secret.len()
    }

    fn count_of(&self, op: Op) -> usize {
        let open = self.open.iter().filter(|change| change.op == op).count();
        open + self.secret.iter().filter(|(how, _)| *how == op).count()
    }
}

/// What is on one side; nothing where nothing is.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn draft(pages: &Pages, offer: &Offer, side: Side) -> Result<Option<Draft>, StoreError> {
    let version = match side {
        Side::Draft => return Ok(Some(offer.draft.clone())),
        Side::Live => offer.production,
        Side::Preview => offer.preview,
        Side::Version(version) => Some(version),
    };
    let Some(version) = version else { return Ok(None) };
    Ok(pages.read.snapshot(&offer.key, version).await?.map(|snapshot| snapshot.draft))
}

/// How many fields are different between two sides; nothing where one of them is not there.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn count(pages: &Pages, offer: &Offer, from: Side, to: Side) -> Result<Option<usize>, StoreError> {
    let (Some(before), Some(after)) = (draft(pages, offer, from).await?, draft(pages, offer, to).await?) else {
        return Ok(None);
    };
    Difference::between(&before, &after).map(|difference| Some(difference.count()))
}

/// Who looks at a submission of a definition, in sentences: the pipeline of its type knows only definitions as a whole.
pub(super) fn reviewers(pages: &Pages, t: Text, offer: &Offer, definition: &str) -> Vec<String> {
    let Some(offer_type) = pages.types.get(&offer.offer_type) else { return Vec::new() };
    let definition: Value = serde_json::from_str(definition).unwrap_or_default();
    let steps = offer_type.pipeline.plan(&definition);
    let of = |reusable: bool| -> Vec<&str> {
        let is_one = |kind: &CheckKind| kind.queue().is_some() && kind.is_reusable() == reusable;
        let steps = steps.iter().filter(|step| step.checks.iter().any(|check| is_one(&check.kind)));
        steps.map(|step| step.name.as_str()).collect()
    };
    let (always, on_change) = (of(false), of(true));
    if always.is_empty() && on_change.is_empty() {
        return vec![t.diff_review_none()];
    }
    let said = [
        (!always.is_empty()).then(|| t.diff_review_always(always.join(", "))),
        (!on_change.is_empty()).then(|| t.diff_review_on_change(on_change.join(", "))),
    ];
    said.into_iter().flatten().collect()
}

/// The page.
#[derive(Template)]
#[template(path = "differences.html")]
struct DifferencesPage<'a> {
    shell: Shell,
    path: &'a str,
    name: &'a str,
    publisher: &'a str,
    offer: &'a str,
    title: String,
    from: Choice,
    to: Choice,
    /// What cannot be compared, and why.
    missing: Option<String>,
    /// How many were changed, added and removed.
    counts: (usize, usize, usize),
    review: Vec<String>,
    fields: Vec<Field>,
    page: usize,
    before: Option<usize>,
    after: Option<usize>,
}

/// What can be chosen for one side.
struct Choice {
    word: String,
    /// Word, name, and whether it is chosen.
    all: Vec<(String, String, bool)>,
}

/// One field that is different.
struct Field {
    name: String,
    mark: Html,
    /// Nothing where it is a secret.
    pieces: Option<Vec<Piece>>,
    edit: Option<String>,
}

struct Asked {
    from: Option<Side>,
    to: Option<Side>,
    page: usize,
}

impl Asked {
    fn read(uri: &Uri) -> Self {
        let query = query(uri);
        let side = |name: &str, usual| query.get(name).map_or(Some(usual), |word| Side::read(word));
        let page = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, 10_000);
        Self { from: side("from", Side::Live), to: side("to", Side::Draft), page }
    }
}

/// The page of what is different.
pub(super) async fn show(Extracted(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    page(&pages, &at, &Asked::read(&uri)).await.unwrap_or_else(|error| pages::not_now(&error)).into()
}

async fn page(pages: &Pages, at: &OfferAt, asked: &Asked) -> Result<Response, StoreError> {
    let (shell, offer) = (Shell::of(Room::Offers), &at.offer);
    let (t, path) = (shell.t, at::path_of(&offer.key));
    let mut versions: Vec<i64> = pages.read.operations(&offer.key).await?.iter().map(|run| run.offer_version).collect();
    versions.dedup();
    versions.truncate(VERSIONS);
    let sides = match (asked.from, asked.to) {
        (Some(from), Some(to)) => (draft(pages, offer, from).await?, draft(pages, offer, to).await?),
        _ => (None, None),
    };
    let name = |side: Option<Side>| side.map_or_else(|| t.diff_unknown(), |side| side.name(t, offer));
    let missing = [(asked.from, &sides.0), (asked.to, &sides.1)].into_iter().find(|(_, draft)| draft.is_none());
    let missing = missing.map(|(side, _)| match side {
        Some(Side::Live) => t.diff_no_live(),
        Some(Side::Preview) => t.diff_no_preview(),
        Some(Side::Version(version)) => t.diff_no_version(version),
        Some(Side::Draft) | None => t.diff_no_such(),
    });
    let difference = match &sides {
        (Some(before), Some(after)) => Difference::between(before, after)?,
        _ => Difference { open: Vec::new(), secret: Vec::new() },
    };
    let edit = format!("{path}/edit");
    let may_edit = asked.to == Some(Side::Draft) && at.visitor.may(offer.key.publisher.as_str(), Permission::SaveDraft);
    let (count, first) = (difference.count(), (asked.page - 1) * PAGE);
    let from_name = name(asked.from);
    let template = DifferencesPage {
        path: &path,
        name: &at::name_of(offer),
        publisher: offer.key.publisher.as_str(),
        offer: offer.key.offer.as_str(),
        title: match (&missing, count) {
            (Some(_), _) => t.diff_title(),
            (None, count) => t.diff_title_of(count, from_name, name(asked.to)),
        },
        from: choice(t, offer, &versions, (asked.from, Side::Live)),
        to: choice(t, offer, &versions, (asked.to, Side::Draft)),
        review: sides.1.filter(|_| count > 0).map_or_else(Vec::new, |to| reviewers(pages, t, offer, &to.definition)),
        counts: (difference.count_of(Op::Replace), difference.count_of(Op::Add), difference.count_of(Op::Remove)),
        fields: fields(t, &difference, first, may_edit.then_some(edit.as_str())),
        page: asked.page,
        before: (asked.page > 1).then(|| asked.page - 1),
        after: (first + PAGE < count).then_some(asked.page + 1),
        missing,
        shell,
    };
    let status = if template.missing.is_some() { StatusCode::NOT_FOUND } else { StatusCode::OK };
    Ok(pages::page(status, &template))
}

fn choice(t: Text, offer: &Offer, versions: &[i64], (chosen, usual): (Option<Side>, Side)) -> Choice {
    let named = [Side::Live, Side::Preview, Side::Draft].into_iter();
    let mut sides: Vec<Side> = named.chain(versions.iter().copied().map(Side::Version)).collect();
    sides.extend(chosen.filter(|side| !sides.contains(side)));
    let all = sides.into_iter().map(|side| (side.word(), side.name(t, offer), chosen == Some(side)));
    Choice { word: chosen.unwrap_or(usual).word(), all: all.collect() }
}

/// The fields of one page.
fn fields(t: Text, difference: &Difference, first: usize, edit: Option<&str>) -> Vec<Field> {
    let mut words = Words::default();
    let leads = |op: Op, path: &str| edit.filter(|_| op != Op::Remove).map(|edit| at_field(edit, path));
    let open = difference.open.iter().map(|change| (change.op, change.path.as_str(), Some(change)));
    let secret = difference.secret.iter().map(|(op, path)| (*op, path.as_str(), None));
    let shown = open.chain(secret).skip(first).take(PAGE);
    let field = |(op, path, change): (Op, &str, Option<&Change>)| Field {
        name: readable(path),
        mark: match op {
            Op::Replace => mark(Tone::Waiting, &t.diff_changed()),
            Op::Add => mark(Tone::Good, &t.diff_added()),
            Op::Remove => mark(Tone::Bad, &t.diff_removed()),
        },
        pieces: change.map(|change| pieces(&mut words, change)),
        edit: leads(op, path),
    };
    shown.map(field).collect()
}

fn pieces(words: &mut Words, change: &Change) -> Vec<Piece> {
    match (change.before.as_deref(), change.after()) {
        (Some(before), Some(after)) => match (text(before), text(after)) {
            (Some(before), Some(after)) => words.changed(&before, &after),
            // A number is another one, and not one with other digits.
            _ => [words::removed(before), words::added(after)].concat(),
        },
        (Some(before), None) => words::removed(&text(before).unwrap_or_else(|| before.to_owned())),
        (None, Some(after)) => words::added(&text(after).unwrap_or_else(|| after.to_owned())),
        (None, None) => Vec::new(),
    }
}

/// What a text says; nothing of any other value.
fn text(written: &str) -> Option<String> {
    serde_json::from_str(written).ok()
}

/// A pointer as people read it.
fn readable(path: &str) -> String {
    let names = path.strip_prefix("/definition/").unwrap_or(path).split('/');
    let names: Vec<_> = names.map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
    names.join(" › ")
}

/// The same as a JSON Patch, without what is secret.
pub(super) async fn patch(Extracted(pages): Shared, names: RawPathParams, uri: Uri) -> Shown {
    let at = match at::offer(&pages, &names).await {
        Ok(at) => at,
        Err(refused) => return (*refused).into(),
    };
    let asked = Asked::read(&uri);
    let written = match written(&pages, &at, &asked).await {
        Ok(written) => written,
        Err(error) => return pages::not_now(&error).into(),
    };
    let Some(written) = written else {
        let t = super::reader::text();
        return pages::fault(StatusCode::NOT_FOUND, &t.diff_no_such()).into();
    };
    let mut response = Response::new(Body::from(written));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json-patch+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let file = format!("attachment; filename=\"{}.patch.json\"", at.offer.key.offer);
    headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(file).unwrap_or(HeaderValue::from_static("attachment")));
    Shown(response)
}

async fn written(pages: &Pages, at: &OfferAt, asked: &Asked) -> Result<Option<Vec<u8>>, StoreError> {
    let (Some(from), Some(to)) = (asked.from, asked.to) else { return Ok(None) };
    let sides = (draft(pages, &at.offer, from).await?, draft(pages, &at.offer, to).await?);
    let (Some(before), Some(after)) = sides else { return Ok(None) };
    let open = Difference::between(&before, &after)?.open;
    serde_json::to_vec_pretty(&open).map(Some).map_err(|error| StoreError::Corrupt(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Side, readable};

    #[test]
    fn sides_have_words() {
        for word in ["live", "preview", "draft", "7"] {
            assert_eq!(Side::read(word).map(Side::word).as_deref(), Some(word));
        }
        assert_eq!(Side::read("production"), Some(Side::Live));
        assert_eq!(Side::read("<x>"), None);
        assert_eq!(readable("/definition/plans/0/a~1b~0"), "plans › 0 › a/b~");
    }
}
