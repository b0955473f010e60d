//! What lies open to customers and to those who preview: offers looked up, and turned into listings.

use super::{HiddenPlan, Source};
use crate::links::Links;
use crate::store::{Live, LiveSelection, Read, StoreError};
use api::catalog::{CatalogEntry, CatalogOffer};
use api::dates::Date;
use publishing::moment::Moment;
use publishing::offer::{Offer, OfferKey, PublisherId};
use publishing::operation::Purpose;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;
use std::sync::Arc;

/// How much memory listings that were made may take, in bytes.
const KEPT_BYTES: u64 = 32 << 20;

/// Offers as customers see them.
#[derive(Clone, Debug)]
pub struct Shelf {
    read: Read,
    links: Links,
    made: Arc<Cache<String, Made, Weight>>,
}

/// A live listing that was made once. Whatever changes its offer makes it anew.
#[derive(Clone, Debug)]
struct Made {
    listing: Arc<CatalogOffer>,
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Weight;

impl Weighter<String, Made> for Weight {
    fn weight(&self, name: &String, made: &Made) -> u64 {
        // The entry, its key and its many small texts take about 4 KiB beside the long ones.
        (name.len() + made.bytes + 4_096) as u64
    }
}

/// An offer as those see it who may see its preview.
#[derive(Clone, Debug)]
pub struct Preview {
    /// What everybody will see of it.
    pub listing: CatalogOffer,
    /// What only some will see.
    pub hidden_plans: Vec<HiddenPlan>,
}

impl Shelf {
    /// A shelf of the offers that can be read here.
    pub fn new(read: Read, links: Links) -> Self {
        Self { read, links, made: Arc::new(Cache::with_weighter(256, KEPT_BYTES, Weight)) }
    }

    /// The version of an offer that is in production, where everybody may see it.
    pub async fn live(&self, key: &OfferKey) -> Result<Option<Arc<CatalogOffer>>, StoreError> {
        let Some(offer) = self.read.offer(key).await? else { return Ok(None) };
        let Some(version) = offer.production.filter(|_| offer.is_public(None)) else { return Ok(None) };
        let name = self.made_of(&offer, version)?;
        if let Some(made) = self.made.get(&name) {
            return Ok(Some(made.listing));
        }
        let make = |source: &Source<'_>| {
            let listing = source.listing();
            let bytes = serde_json::to_vec(&listing).map_err(|error| StoreError::Corrupt(error.to_string()))?.len();
            Ok::<_, StoreError>(Made { listing: Arc::new(listing), bytes })
        };
        let Some(made) = self.shown(&offer, version, make).await?.transpose()? else { return Ok(None) };
        self.made.insert(name, made.clone());
        Ok(Some(made.listing))
    }

    /// The version of an offer that is in the preview slot.
    pub async fn preview(&self, offer: &Offer) -> Result<Option<Preview>, StoreError> {
        let Some(version) = offer.preview else { return Ok(None) };
        let both = |source: &Source<'_>| Preview { listing: source.listing(), hidden_plans: source.hidden_plans() };
        self.shown(offer, version, both).await
    }

    /// The offer whose preview somebody wants to see.
    pub async fn offer(&self, key: &OfferKey) -> Result<Option<Offer>, StoreError> {
        self.read.offer(key).await
    }

    /// Whether a signed link opens the preview that there is now: it is for this version, and for a subscription that may see it.
    pub fn opens(&self, offer: &Offer, version: &str, subscription: &str, signature: &str) -> bool {
        offer.preview.is_some_and(|now| {
            version == now.to_string()
                && offer.preview_audience.iter().any(|known| known == subscription)
                && self.links.opens_preview(&offer.key, now, subscription, signature)
        })
    }

    /// The path of one of our own addresses, whatever name the service is reached by.
    pub fn path<'a>(&self, url: &'a str) -> &'a str {
        url.strip_prefix(self.links.public_url()).unwrap_or(url)
    }

    /// Live offers in the order of their names, as entries of a list, each with its key.
    pub async fn entries(&self, selection: LiveSelection) -> Result<Vec<(OfferKey, CatalogEntry)>, StoreError> {
        let live = self.read.live(selection).await?;
        Ok(live.into_iter().map(|live| (live.key.clone(), self.entry(&live))).collect())
    }

    fn entry(&self, live: &Live) -> CatalogEntry {
        let source = Source {
            key: &live.key,
            publisher_display_text: &live.publisher_display_text,
            offer_type: &live.offer_type,
            version: live.version,
            definition: &live.outline,
            artifacts: &live.artifacts,
            links: &self.links,
        };
        let listing = source.listing();
        CatalogEntry {
            publisher_id: listing.publisher_id,
            publisher_display_text: listing.publisher_display_text,
            offer_id: listing.offer_id,
            offer_type_id: listing.offer_type_id,
            version: listing.version,
            display_text: listing.display_text,
            summary: listing.summary,
            categories: listing.categories,
            small_logo: listing.logos.small,
            link: listing.link,
            live_since: live.since.map(|since: Moment| Date::from_ticks(since.ticks())),
        }
    }

    /// What a live listing is made of, as a name: all of it changes with the offer, but for its publisher.
    fn made_of(&self, offer: &Offer, version: i64) -> Result<String, StoreError> {
        let run = offer.operation.as_ref().map_or(0, |run| run.changed_at.ticks());
        let changed = offer.changed_at.ticks();
        let publisher = self.read.publisher(&offer.key.publisher.folded())?;
        let (id, text) = publisher.map_or_else(Default::default, |of| (of.id.to_string(), of.display_text));
        Ok(format!("{} {version} {changed} {run} {id} {text}", offer.key.name()))
    }

    /// A version of an offer, shown in one way or another. On a blocking thread, for a description may take a while.
    async fn shown<T: Send + 'static>(
        &self,
        offer: &Offer,
        version: i64,
        show: impl FnOnce(&Source<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>, StoreError> {
        let Some(snapshot) = self.read.snapshot(&offer.key, version).await? else { return Ok(None) };
        let run = |purpose| self.read.operation_of_version(&offer.key, version, purpose);
        let run = match run(Purpose::GoLive).await? {
            Some(run) => Some(run),
            None => run(Purpose::Publish).await?,
        };
        let artifacts = run.map(|run| run.artifacts).unwrap_or_default();
        let publisher = self.read.publisher(&offer.key.publisher.folded())?;
        let (name, id) = publisher.map_or_else(
            || (offer.key.publisher.to_string(), offer.key.publisher.clone()),
            |publisher| (publisher.display_text, publisher.id),
        );
        let key = OfferKey { publisher: id, offer: offer.key.offer.clone() };
        let (offer_type, links) = (offer.offer_type.clone(), self.links.clone());
        let work = move || {
            let definition: Value = serde_json::from_str(&snapshot.draft.definition)
                .map_err(|error| StoreError::Corrupt(error.to_string()))?;
            let source = Source {
                key: &key,
                publisher_display_text: &name,
                offer_type: &offer_type,
                version,
                definition: &definition,
                artifacts: &artifacts,
                links: &links,
            };
            Ok(Some(show(&source)))
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

/// The name of an offer in an address, if it can be one.
pub fn named(publisher: &str, offer: &str) -> Option<OfferKey> {
    let offer = publishing::offer::OfferId::parse(offer)?;
    Some(OfferKey { publisher: PublisherId::parse(publisher)?, offer })
}
