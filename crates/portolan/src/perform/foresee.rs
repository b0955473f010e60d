//! What a command would come to: decided as if it were performed, and nothing is committed.

use super::{Failure, Perform};
use crate::auth::Authorised;
use crate::store::{Document, Stored};
use publishing::command::Command;
use publishing::offer::{Offer, OfferId};
use publishing::status::{self, Status};
use uuid::Uuid;

/// What a command would come to.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// The offer as it is.
    pub before: Offer,
    /// The status document as it would be.
    pub document: Document,
}

impl Perform {
    /// Decides a caller's command on an offer that is there as [`Perform::perform`] would, and changes nothing.
    ///
    /// # Errors
    /// The [`Failure`] that performing it would come to.
    pub async fn foresee(&self, by: &Authorised<'_>, offer: &OfferId, command: Command) -> Result<Foreseen, Failure> {
        let (key, actor) = self.admit(by, offer, &command)?;
        let stored = self.store.load(&key).await?;
        // Nothing comes of it, so it takes no id: a look must not change which ids what is done gets.
        let decision = self.decide(&key, (&actor, Uuid::nil()), &command, stored.as_ref()).await?;
        let document = self.change(&decision, stored.as_ref(), None, None)?.document;
        let before = stored.map_or(decision.offer, |stored| stored.offer);
        Ok(Foreseen { before, document })
    }

    /// Decides a caller's publish as [`Perform::perform`] would, of the draft that `save` would have kept before, where that is
    /// given. Changes nothing; gives back the offer as it would be published.
    ///
    /// # Errors
    /// The [`Failure`] that performing them would come to.
    pub async fn foresee_publish(
        &self,
        by: &Authorised<'_>,
        offer: &OfferId,
        save: Option<Command>,
        publish: Command,
    ) -> Result<Offer, Failure> {
        let (key, actor) = self.admit(by, offer, &publish)?;
        let mut stored = self.store.load(&key).await?;
        if let Some(save) = save {
            let revision = stored.as_ref().map_or(0, |stored| stored.revision);
            let saved = self.decide(&key, (&actor, Uuid::nil()), &save, stored.as_ref()).await?;
            stored = Some(Stored { offer: saved.offer, revision });
        }
        let decision = self.decide(&key, (&actor, Uuid::nil()), &publish, stored.as_ref()).await?;
        Ok(stored.map_or(decision.offer, |stored| stored.offer))
    }

    /// Where an offer stands, as its status document says. One whose type is gone keeps the steps that it has, and shows none
    /// where it has none.
    pub fn status(&self, offer: &Offer) -> Status {
        status::of_offer(offer, self.types.get(&offer.offer_type).map(|offer_type| &offer_type.pipeline))
    }
}
