//! Mails about offers: who follows by mail, and how it ends from a mail itself.

use super::{Failure, MOST_ROUNDS, Perform};
use crate::auth::{Authorised, AuthorisedStaff, Permission};
use crate::store::{Means, StoreError, Subscription, SubscriptionChange};
use publishing::access::AccessRefusal;
use publishing::addresses::is_address;
use publishing::entry::{Entry, Event};
use publishing::happening::Happening;
use publishing::offer::OfferKey;
use publishing::principal::{Circle, Principal};
use uuid::Uuid;
use zeroize::Zeroizing;

/// The journal's name for whoever holds a mail, and unsubscribes with it.
const MAIL: &str = "unsubscribe link";

/// Who follows by mail, proven: a member at its publisher, or staff over all publishers. Everybody only for themselves.
#[derive(Clone, Debug)]
pub enum MailFollower<'a> {
    /// At a publisher.
    Member(Authorised<'a>),
    /// Over all publishers.
    Staff(AuthorisedStaff<'a>),
}

impl MailFollower<'_> {
    fn circle(&self) -> Circle {
        match self {
            Self::Member(by) => Circle::Publisher(by.publisher().clone()),
            Self::Staff(_) => Circle::Marketplace,
        }
    }

    fn principal(&self) -> Option<Uuid> {
        match self {
            Self::Member(by) => by.principal(),
            Self::Staff(by) => by.principal(),
        }
    }

    fn actor(&self) -> &str {
        match self {
            Self::Member(by) => by.actor(),
            Self::Staff(by) => by.actor(),
        }
    }

    fn may_read(&self) -> bool {
        let permission = match self {
            Self::Member(by) => by.permission(),
            Self::Staff(by) => by.permission(),
        };
        permission == Permission::Read
    }
}

impl Perform {
    /// Whether mails are sent at all.
    pub fn sends_mails(&self) -> bool {
        self.mails
    }

    /// The caller's own subscription to mails, with the address they go to.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn mail_subscription(&self, by: &MailFollower<'_>) -> Result<Option<(Subscription, String)>, Failure> {
        let Some(who) = by.principal() else { return Ok(None) };
        let Some(own) = self.own_subscription(&by.circle(), who)? else { return Ok(None) };
        let address = self.store.principal(who)?.and_then(|principal| principal.mail);
        Ok(address.map(|address| (own, address)))
    }

    fn own_subscription(&self, circle: &Circle, who: Uuid) -> Result<Option<Subscription>, Failure> {
        let all = self.store.subscriptions(circle)?;
        Ok(all.into_iter().find(|it| it.means == Means::Mail && it.principal == Some(who)))
    }

    /// Lets the caller follow by mail, or follow something else; of no events, what is always mailed.
    ///
    /// # Errors
    /// [`Failure`]; [`AccessRefusal::Conflict`] where no mail could reach the caller.
    pub async fn follow_by_mail(
        &self,
        by: &MailFollower<'_>,
        events: Vec<Happening>,
    ) -> Result<(Subscription, String), Failure> {
        let (principal, address) = self.reachable(by)?;
        let circle = by.circle();
        for _ in 0..MOST_ROUNDS {
            self.still_may(Some(principal.id), &circle, Permission::Read)?;
            let now = self.clock.now();
            let before = self.own_subscription(&circle, principal.id)?;
            if let Some(before) = before.as_ref().filter(|before| before.events == events) {
                return Ok((before.clone(), address));
            }
            let id = before.as_ref().map_or_else(|| self.clock.fresh_id(), |before| before.id);
            let event = match before {
                Some(_) => Event::SubscriptionChanged { subscription: id },
                None => Event::SubscriptionAdded { subscription: id },
            };
            let made = Subscription {
                id,
                revision: before.as_ref().map_or(0, |before| before.revision),
                circle: circle.clone(),
                means: Means::Mail,
                principal: Some(principal.id),
                events: events.clone(),
                target: Zeroizing::default(),
                made_at: before.as_ref().map_or(now, |before| before.made_at),
                made_by: before.map_or_else(|| by.actor().to_owned(), |before| before.made_by),
                failing_since: None,
                disabled: None,
            };
            let entry = Entry { at: now, actor: by.actor().to_owned(), told: None, event };
            let put = SubscriptionChange::Put(Box::new(made.clone()));
            match self.store.change_subscription(&circle, put, entry, None).await {
                Err(StoreError::Overtaken) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok((made, address)),
            }
        }
        Err(StoreError::Unavailable(format!("overtaken {MOST_ROUNDS} times")).into())
    }

    /// Ends the caller's own mails; whether there were any.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn unfollow_by_mail(&self, by: &MailFollower<'_>) -> Result<bool, Failure> {
        if !by.may_read() {
            return Err(Failure::Forbidden);
        }
        let Some(who) = by.principal() else { return Ok(false) };
        let Some(own) = self.own_subscription(&by.circle(), who)? else { return Ok(false) };
        self.end_mail_subscription(&own, by.actor()).await
    }

    /// The caller, and the address that mails to it go to.
    fn reachable(&self, by: &MailFollower<'_>) -> Result<(Principal, String), Failure> {
        if !by.may_read() {
            return Err(Failure::Forbidden);
        }
        let conflict = |message: &str| Failure::from(AccessRefusal::Conflict(message.to_owned()));
        if !self.mails {
            return Err(conflict(
                "This service sends no mails: its settings name no mail server. Ask its operator to set mail.server.",
            ));
        }
        let nobody = || conflict("Whoever you are has no mail address here. Sign in as a user who has one.");
        let who = by.principal().ok_or_else(nobody)?;
        let circle = by.circle();
        if !self.store.memberships(who)?.iter().any(|(at, _)| at.name() == circle.name()) {
            return Err(conflict(
                "You are no member of this publisher. As staff, follow all publishers with /api/notifications/mail.",
            ));
        }
        let principal = self.store.principal(who)?.ok_or_else(nobody)?;
        match principal.mail.clone().filter(|mail| is_address(mail)) {
            Some(mail) => Ok((principal, mail)),
            None => Err(conflict(
                "You have no mail address here, as service principals have none. Let a user who has one follow by mail.",
            )),
        }
    }

    /// Ends a member's mails by the link in one; whether there was such a subscription.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn unsubscribe(&self, subscription: Uuid) -> Result<bool, Failure> {
        match self.store.subscription(subscription)?.filter(|it| it.means == Means::Mail) {
            Some(own) => self.end_mail_subscription(&own, MAIL).await,
            None => Ok(false),
        }
    }

    async fn end_mail_subscription(&self, own: &Subscription, actor: &str) -> Result<bool, Failure> {
        let event = Event::SubscriptionRemoved { subscription: own.id };
        let entry = Entry { at: self.clock.now(), actor: actor.to_owned(), told: None, event };
        let removed =
            self.store.change_subscription(&own.circle, SubscriptionChange::Remove(own.id), entry, None).await;
        match removed {
            Ok(()) => Ok(true),
            // Somebody was faster.
            Err(StoreError::Overtaken) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a member's subscription to mails is there.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn is_subscribed(&self, subscription: Uuid) -> Result<bool, Failure> {
        Ok(self.store.subscription(subscription)?.is_some_and(|it| it.means == Means::Mail))
    }

    /// Whether a receiver of mails wants none about an offer.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn are_mails_stopped(&self, receiver: Uuid, key: &OfferKey) -> Result<bool, Failure> {
        Ok(self.store.are_mails_stopped(receiver, key)?)
    }

    /// Stops mails about an offer to an address that was given at publish, or lets them go on.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn stop_mails(&self, receiver: Uuid, key: &OfferKey, stopped: bool) -> Result<(), Failure> {
        if self.are_mails_stopped(receiver, key)? == stopped {
            return Ok(());
        }
        Ok(self.store.stop_mails(receiver, key, self.clock.now(), stopped).await?)
    }
}
