//! Renders documents anew at the start: of offers whose pipeline has changed, and of those whose links lead elsewhere now.

use super::{Actor, Failure, Perform, SERVICE};
use crate::store::StoreError;
use crate::wire;
use publishing::command::Command;
use publishing::offer::OfferKey;
use tokio::task::JoinSet;

/// How many offers are rendered anew at once.
const MOST_AT_ONCE: usize = 128;

/// Under what name the store keeps the address that links were rendered with, beside the digests of pipelines.
const LINKS: &str = "$links";

impl Perform {
    /// Plans the steps of unpublished offers anew where a type's pipeline is not the one they were rendered with.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn replan(&self) -> Result<usize, Failure> {
        let mut replanned = 0;
        for offer_type in self.types.iter() {
            let rendered =
                wire::render(&offer_type.pipeline).map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let digest = rendered.etag.to_str().unwrap_or_default().to_owned();
            if self.store.pipeline_digest(&offer_type.id).await?.as_deref() == Some(&digest) {
                continue;
            }
            let keys = self.store.planned_only(&offer_type.id).await?;
            let mut done = 0;
            for some in keys.chunks(MOST_AT_ONCE) {
                done += self.render_some(some, &Command::Replan).await;
            }
            replanned += done;
            if done < keys.len() {
                // The next start tries again.
                continue;
            }
            self.store.set_pipeline_digest(&offer_type.id, &digest).await?;
        }
        Ok(replanned + self.relink().await?)
    }

    /// Renders the documents anew that hold links, where the service's address is not the one they were rendered with.
    async fn relink(&self) -> Result<usize, Failure> {
        let address = self.links.public_url();
        if self.store.pipeline_digest(LINKS).await?.as_deref() == Some(address) {
            return Ok(0);
        }
        let keys = self.store.shown().await?;
        let mut done = 0;
        for some in keys.chunks(MOST_AT_ONCE) {
            done += self.render_some(some, &Command::RenewLinks).await;
        }
        if done == keys.len() {
            self.store.set_pipeline_digest(LINKS, address).await?;
        }
        Ok(done)
    }

    /// Renders some offers' documents anew, all at once so that they share their commits. One that cannot be is passed over, and
    /// logged.
    async fn render_some(&self, keys: &[OfferKey], command: &Command) -> usize {
        let mut tasks = JoinSet::new();
        for key in keys {
            let (perform, key, command) = (self.clone(), key.clone(), command.clone());
            tasks.spawn(async move {
                let done = perform.run(&key, &Actor::named(SERVICE), command, None, None).await;
                done.inspect_err(|error| tracing::error!(%error, ?key, "an offer could not be rendered anew")).is_ok()
            });
        }
        let mut rendered = 0;
        while let Some(done) = tasks.join_next().await {
            rendered += usize::from(done.unwrap_or(false));
        }
        rendered
    }
}
