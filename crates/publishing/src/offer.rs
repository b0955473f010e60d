//! What an offer is: key, type, version, and its three slots.

use crate::check::Check;
use crate::command::{Audience, CheckRef};
use crate::moment::Moment;
use crate::operation::Operation;
use crate::plan::{PlanSummary, any_visible};
use crate::secrets::Secrets;
use crate::status::OfferStatus;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A publisher's id in its stored form; compared by callers without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublisherId(String);

/// An offer's id: a lower-case slug of 1 to 50 characters (wire contract, "Paths").
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OfferId(String);

impl PublisherId {
    /// Reads `[A-Za-z0-9][A-Za-z0-9_.-]{0,49}`; anything else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let well_formed = (1..=50).contains(&bytes.len())
            && bytes[0].is_ascii_alphanumeric()
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The stored form.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that two spellings of one publisher share.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl OfferId {
    /// Reads a slug, folding ASCII capitals (and only those: look-alikes from elsewhere are refused).
    pub fn parse(text: &str) -> Option<Self> {
        is_slug(&text.to_ascii_lowercase()).then(|| Self(text.to_ascii_lowercase()))
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is `^[a-z0-9]([a-z0-9_-]{0,48}[a-z0-9_])?$`, the form of offer and plan ids.
pub fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=50).contains(&bytes.len())
        && plain(&bytes[0])
        && bytes.last() != Some(&b'-')
        && (bytes.len() == 1 || bytes[1..].iter().all(|b| plain(b) || matches!(b, b'_' | b'-')))
}

impl fmt::Display for PublisherId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for OfferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one offer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OfferKey {
    /// Who sells it.
    pub publisher: PublisherId,
    /// Which offer of theirs.
    pub offer: OfferId,
}

impl OfferKey {
    /// `publisher/offer`, folded: one name however the ids are spelled.
    pub fn name(&self) -> String {
        format!("{}/{}", self.publisher.folded(), self.offer)
    }
}

/// What a publisher is writing and has not published yet, or what was published: the text as sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The definition, byte for byte as sent, less its secret members.
    pub definition: String,
    /// The secret members by JSON pointer into the definition; never returned to anyone.
    pub secrets: Secrets,
    /// When it was last saved.
    pub saved_at: Moment,
}

/// A definition as it was published; what the preview and production slots point at.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The offer's version when it was published (`offerVersion`).
    pub version: i64,
    /// The draft of that moment.
    pub draft: Draft,
    /// When it was published.
    pub published_at: Moment,
}

/// A version that was in production before the one that is there now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Previous {
    /// The version.
    pub version: i64,
    /// Its plans.
    pub plans: Vec<PlanSummary>,
    /// Who may see the private ones among them.
    pub audiences: Vec<Audience>,
    /// When it left production.
    pub left_at: Moment,
}

/// One offer, with everything the rules need to decide.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its name.
    pub key: OfferKey,
    /// The id of its type; fixed at the first save.
    pub offer_type: String,
    /// 1 for a new offer, one more at each publish.
    pub version: i64,
    /// The draft slot.
    pub draft: Draft,
    /// When draft or version last changed; strictly rising, the source of the offer's ETag.
    pub changed_at: Moment,
    /// The version in the preview slot.
    pub preview: Option<i64>,
    /// The version in the production slot.
    pub production: Option<i64>,
    /// The subscriptions that may see the version in the preview slot.
    pub preview_audience: Vec<String>,
    /// The plans of the version in production, whose ids are fixed.
    pub live_plans: Vec<PlanSummary>,
    /// Who may see the private ones among them.
    pub live_audiences: Vec<Audience>,
    /// What was in production before.
    pub previous: Option<Previous>,
    /// The newest operation; older ones are history.
    pub operation: Option<Operation>,
}

impl Offer {
    /// Where the offer stands (wire contract, section 3).
    ///
    /// A draft saved after a failed or canceled run has not been started: that is `notStarted`.
    pub fn status(&self) -> OfferStatus {
        let Some(operation) = &self.operation else {
            return OfferStatus::NeverPublished;
        };
        match operation.offer_status() {
            OfferStatus::Failed | OfferStatus::Canceled if self.draft.saved_at > operation.changed_at => {
                OfferStatus::NotStarted
            }
            status => status,
        }
    }

    /// The time of a change that happens now: after everything that has happened to the offer, whatever the clock says.
    pub(crate) fn after_all(&self, now: Moment) -> Moment {
        let operation = self.operation.as_ref().map(|operation| operation.changed_at);
        let left = self.previous.as_ref().map(|previous| previous.left_at);
        let known = self.live_audiences.iter().map(|audience| audience.known_at).max();
        now.after(operation.max(Some(self.changed_at)).max(left).max(known))
    }

    /// Changes one check of the newest operation, which has changed with it.
    pub(crate) fn change_check(&mut self, at: &CheckRef, now: Moment, change: impl FnOnce(&mut Check)) {
        let Some(operation) = &mut self.operation else { return };
        operation.changed_at = now;
        if let Some(check) = operation.check_mut(at) {
            change(check);
        }
    }

    /// Puts other audiences in production and gives those that were there. Whom a publisher has shut out since stays out: of two
    /// lists for a plan, the one that was read later counts.
    pub(crate) fn replace_audiences(&mut self, audiences: Vec<Audience>) -> Vec<Audience> {
        let newer = |audience: Audience| {
            let live = self.live_audiences.iter().find(|live| live.plan == audience.plan);
            live.filter(|live| live.known_at > audience.known_at).cloned().unwrap_or(audience)
        };
        let audiences = audiences.into_iter().map(newer).collect();
        std::mem::replace(&mut self.live_audiences, audiences)
    }

    /// Whether everybody can see the offer in production, and this plan of it.
    pub fn is_public(&self, plan: Option<&str>) -> bool {
        self.production.is_some()
            && match plan {
                Some(wanted) => self.live_plans.iter().any(|plan| plan.id == wanted && plan.visible_to_all()),
                None => any_visible(&self.live_plans),
            }
    }

    /// The plans whose ids are fixed: those in production, and those that a roll back would bring back.
    pub fn fixed_plans(&self) -> Vec<PlanSummary> {
        let mut plans = self.live_plans.clone();
        for before in self.previous.iter().flat_map(|previous| &previous.plans) {
            match plans.iter_mut().find(|plan| plan.id == before.id) {
                Some(plan) => plan.private &= before.private,
                None => plans.push(before.clone()),
            }
        }
        plans
    }

    /// The newest operation while it runs or awaits sign-off.
    pub fn active_operation(&self) -> Option<&Operation> {
        self.operation.as_ref().filter(|operation| {
            matches!(operation.offer_status(), OfferStatus::Running | OfferStatus::WaitingForPublisherReview)
        })
    }
}
