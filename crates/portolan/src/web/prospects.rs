//! What would come of a publish, a go live, a cancel or a roll back, before anybody asks for it.

use super::at::{self, OfferAt};
use super::deeds::Deed;
use super::differences::{self, Side};
use super::sentences;
use super::shell::Shell;
use super::steps::at_field;
use super::{Pages, reader};
use crate::auth::Permission;
use crate::store::StoreError;
use api::errors::{ErrorBody, ErrorCode};
use api::explain::PublishForecast;
use api::offers::{ActionMetadata, ActionRequest};
use api::status::{StatusDocument, Step, StepStatus};
use publishing::cancel::{PreviewThen, foresee};
use publishing::explain::explain;
use publishing::offer::Offer;
use publishing::roll_back;
use publishing::status::OfferStatus;

/// What would come of it.
#[derive(Default)]
pub(super) struct Prospect {
    /// What would be done, in words, where it can be; the button says the same.
    pub(super) act: Option<String>,
    /// What follows.
    pub(super) facts: Vec<Fact>,
    /// The steps that it would go through, each with what it takes.
    pub(super) steps: Vec<StepAhead>,
    /// What would be refused, and where it is mended; in English.
    pub(super) faults: Vec<(String, Option<String>)>,
    /// Why it cannot be done now, in the reader's language.
    pub(super) not_now: Option<String>,
    /// The same as the API says it, in English.
    pub(super) refused: Option<String>,
}

/// One thing that follows.
pub(super) struct Fact {
    pub(super) words: String,
    /// A page that says more: address and words.
    pub(super) link: Option<(String, String)>,
}

/// A step that comes.
pub(super) struct StepAhead {
    pub(super) name: String,
    /// What it usually takes, and from how many that is known.
    pub(super) usually: Option<(String, u32)>,
    pub(super) documented: Option<String>,
}

impl Prospect {
    fn say(&mut self, words: String) {
        self.facts.push(Fact { words, link: None });
    }

    /// What the API refused: its faults, each with the field, or its one sentence.
    pub(super) fn refuse(&mut self, error: &ErrorBody, edit: Option<&str>) {
        let leads =
            |target: &str| edit.filter(|_| target.starts_with("/definition")).map(|edit| at_field(edit, target));
        self.faults = error.details.iter().map(|fault| (fault.message.clone(), leads(&fault.target))).collect();
        if self.faults.is_empty() {
            self.refused = Some(error.message.clone());
        }
    }
}

/// What would come of a deed.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn of(
    pages: &Pages,
    shell: &Shell,
    at: &OfferAt,
    deed: Deed,
    emails: &str,
) -> Result<Prospect, StoreError> {
    match deed {
        Deed::Publish => publish(pages, shell, at, emails).await,
        Deed::GoLive => go_live(pages, shell, &at.offer).await,
        Deed::Cancel => cancel(pages, shell, &at.offer).await,
        Deed::RollBack => back(pages, shell, &at.offer).await,
    }
}

/// The address of the editor, for who may use it.
pub(super) fn edit(at: &OfferAt) -> Option<String> {
    let may = at.visitor.may(at.offer.key.publisher.as_str(), Permission::SaveDraft);
    may.then(|| format!("{}/edit", at::path_of(&at.offer.key)))
}

/// The body of a publish.
pub(super) fn with_emails(emails: &str) -> ActionRequest {
    ActionRequest { metadata: ActionMetadata { notification_emails: emails.to_owned() } }
}

async fn publish(pages: &Pages, shell: &Shell, at: &OfferAt, emails: &str) -> Result<Prospect, StoreError> {
    let (t, offer, mut prospect) = (shell.t, &at.offer, Prospect::default());
    let path = format!("/api{}/publish?dryRun=true", at::path_of(&offer.key));
    let judged = pages.api(&at.visitor).post(&path, &with_emails(emails)).await;
    let forecast = match judged.and_then(|answer| answer.read::<PublishForecast>()) {
        Ok(forecast) => forecast,
        // What is wrong with the addresses is said where they are given, once they are sent.
        Err(error) if is_of_emails(&error) && !emails.is_empty() => {
            return Box::pin(publish(pages, shell, at, "")).await;
        }
        Err(error) => {
            prospect.refuse(&error, edit(at).as_deref());
            return Ok(prospect);
        }
    };
    prospect.act = Some(t.publish_act(forecast.version));
    prospect.say(t.publish_becomes(forecast.version));
    match offer.production {
        None => prospect.say(t.publish_nothing_live()),
        Some(live) => {
            prospect.facts.extend(changes(pages, shell, offer, (live, Side::Draft)).await?);
            prospect.say(t.publish_stays(live));
        }
    }
    let review = differences::reviewers(pages, t, offer, &offer.draft.definition);
    review.into_iter().for_each(|said| prospect.say(said));
    Ok(prospect)
}

/// Whether the API refused the mail addresses that were given.
pub(super) fn is_of_emails(error: &ErrorBody) -> bool {
    error.code == ErrorCode::BadRequest && error.target.as_deref().is_some_and(|at| at.contains("notification-emails"))
}

/// How many fields are different from what is live, with the page that shows them.
async fn changes(
    pages: &Pages,
    shell: &Shell,
    offer: &Offer,
    (live, to): (i64, Side),
) -> Result<Option<Fact>, StoreError> {
    let count = differences::count(pages, offer, Side::Live, to).await?;
    Ok(count.map(|count| Fact {
        words: shell.t.deed_differ(count, live),
        link: Some((format!("{}/diff?from=live&to={}", at::path_of(&offer.key), to.word()), shell.t.deed_see())),
    }))
}

/// Why something cannot be done: where the offer stands, in words.
fn stands(shell: &Shell, offer: &Offer) -> Prospect {
    let told = explain(offer, reader::reader().now);
    let (so, next) = (sentences::headline(shell.t, &told.headline), sentences::next(shell.t, &told.next));
    Prospect { not_now: Some(format!("{so} {next}")), ..Prospect::default() }
}

async fn go_live(pages: &Pages, shell: &Shell, offer: &Offer) -> Result<Prospect, StoreError> {
    let t = shell.t;
    let run = offer.operation.as_ref().filter(|_| offer.status() == OfferStatus::WaitingForPublisherReview);
    let Some(run) = run else { return Ok(stands(shell, offer)) };
    let version = run.offer_version;
    let mut prospect = Prospect { act: Some(t.golive_act(version)), ..Prospect::default() };
    match offer.production {
        None => prospect.say(t.golive_first(version)),
        Some(live) => {
            prospect.say(t.golive_replaces(version, live));
            prospect.facts.extend(changes(pages, shell, offer, (live, Side::Version(version))).await?);
        }
    }
    if let Some(last) = run.steps.last() {
        prospect.say(t.golive_too_late(last.name.as_str()));
    }
    prospect.steps = ahead(pages, shell, offer)?;
    Ok(prospect)
}

/// The steps that come after the one at hand.
fn ahead(pages: &Pages, shell: &Shell, offer: &Offer) -> Result<Vec<StepAhead>, StoreError> {
    let Some(stored) = pages.read.status(&offer.key.name())? else { return Ok(Vec::new()) };
    let document: StatusDocument =
        serde_json::from_slice(&stored.body).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let step = |step: Step| StepAhead {
        usually: step.usual_duration.map(|usual| {
            let (low, high) = (shell.span(usual.low_seconds), shell.span(usual.high_seconds));
            (if low == high { low } else { format!("{low} – {high}") }, usual.samples)
        }),
        documented: step.estimated_time_frame.filter(|words| !words.is_empty()),
        name: step.step_name,
    };
    Ok(document.steps.into_iter().filter(|step| step.status == StepStatus::NotStarted).map(step).collect())
}

async fn cancel(pages: &Pages, shell: &Shell, offer: &Offer) -> Result<Prospect, StoreError> {
    let t = shell.t;
    let Ok(foreseen) = foresee(offer) else { return Ok(stands(shell, offer)) };
    let number = pages.read.operations(&offer.key).await?.len();
    let mut prospect = Prospect { act: Some(t.cancel_act(number)), ..Prospect::default() };
    prospect.say(if foreseen.at_once { t.cancel_at_once() } else { t.cancel_soon() });
    prospect.say(foreseen.live.map_or_else(|| t.cancel_nothing_live(), |live| t.next_stays(live)));
    match foreseen.preview {
        PreviewThen::None => {}
        PreviewThen::Withdrawn(version) => prospect.say(t.cancel_withdrawn(version)),
        PreviewThen::Kept(version) => prospect.say(t.cancel_kept(version)),
    }
    prospect.say(t.cancel_draft());
    Ok(prospect)
}

/// The version that a roll back would bring back, where the rules would take one now.
pub(super) fn comes_back(offer: &Offer) -> Option<i64> {
    roll_back::foresee(offer).ok().map(|(_, previous)| previous.version)
}

async fn back(pages: &Pages, shell: &Shell, offer: &Offer) -> Result<Prospect, StoreError> {
    let t = shell.t;
    let Ok((live, previous)) = roll_back::foresee(offer) else {
        let is_none = offer.production.is_none() || offer.previous.is_none();
        let why = if is_none { t.rollback_nothing() } else { t.rollback_going_live() };
        return Ok(Prospect { not_now: Some(why), ..Prospect::default() });
    };
    let version = previous.version;
    let mut prospect = Prospect { act: Some(t.rollback_act(version)), ..Prospect::default() };
    prospect.say(t.rollback_replaces(version, live));
    prospect.facts.extend(changes(pages, shell, offer, (live, Side::Version(version))).await?);
    prospect.say(t.rollback_others());
    prospect.say(t.rollback_again());
    Ok(prospect)
}
