//! What customers see of an offer: a definition as published, turned into a listing. Only what is named here is ever shown.

mod fields;
mod plans;
mod shelf;
mod text;

pub use plans::{Hidden, HiddenPlan};
pub use shelf::{Preview, Shelf, named};

use crate::links::Links;
use api::catalog::{CatalogLink, CatalogLogos, CatalogOffer, CatalogScreenshot, CatalogSupport};
use fields::{Fields, text_or, web_address};
use publishing::command::Artifact;
use publishing::offer::OfferKey;
use serde_json::Value;

/// What a listing is made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Which offer.
    pub key: &'a OfferKey,
    /// The publisher's name for people.
    pub publisher_display_text: &'a str,
    /// The id of the offer's type.
    pub offer_type: &'a str,
    /// The version.
    pub version: i64,
    /// The definition as it was published with that version, less its secret members.
    pub definition: &'a Value,
    /// The files it points to.
    pub artifacts: &'a [Artifact],
    /// The service's addresses.
    pub links: &'a Links,
}

impl Source<'_> {
    /// What everybody may see of it.
    pub fn listing(&self) -> CatalogOffer {
        let offer = Fields::of(self.definition, self);
        let support = CatalogSupport {
            name: offer.text("supportContactName"),
            email: offer.text("supportContactEmail"),
            phone: offer.text("supportContactPhone"),
            url: offer.web_address("publicAzureSupportUrl"),
        };
        let (terms_of_use_url, terms) = (offer.web_address("termsOfUse"), offer.raw_text("termsOfUse"));
        CatalogOffer {
            publisher_id: self.key.publisher.as_str().to_owned(),
            publisher_display_text: self.publisher_display_text.to_owned(),
            offer_id: self.key.offer.as_str().to_owned(),
            offer_type_id: self.offer_type.to_owned(),
            version: self.version,
            display_text: self.display_text(),
            summary: offer.text("summary"),
            long_summary: offer.text("longSummary"),
            description: offer.raw_text("description").and_then(|html| text::description(html, 3)),
            categories: offer.categories(),
            logos: self.logos(&offer),
            screenshots: self.screenshots(&offer),
            videos: links(&offer, "videos", "videoName", "videoUrl"),
            useful_links: links(&offer, "usefulLinks", "linkTitle", "linkUrl"),
            privacy_url: offer.web_address("privacyURL"),
            terms_of_use: terms.filter(|_| terms_of_use_url.is_none()).and_then(text::plain),
            terms_of_use_url,
            support,
            plans: plans::public(self),
            link: self.links.live_page(self.key),
        }
    }

    /// The plans that not everybody may see.
    pub fn hidden_plans(&self) -> Vec<HiddenPlan> {
        plans::hidden(self)
    }

    /// What people call the offer.
    fn display_text(&self) -> String {
        let titled = Fields::of(self.definition, self).text("title");
        let named = || text_or(self.definition.get("displayText"));
        titled.or_else(named).unwrap_or_else(|| self.key.offer.as_str().to_owned())
    }

    fn logos(&self, offer: &Fields<'_>) -> CatalogLogos {
        CatalogLogos {
            small: offer.image("smallLogo"),
            medium: offer.image("mediumLogo"),
            large: offer.image("largeLogo"),
            wide: offer.image("wideLogo"),
            hero: offer.image("heroLogo"),
        }
    }

    /// Clients write a screenshot as an object with a name, or as its address alone.
    fn screenshots(&self, offer: &Fields<'_>) -> Vec<CatalogScreenshot> {
        let shown = |(at, screenshot): (usize, &Value)| {
            let name = text_or(screenshot.get("screenshotName")).unwrap_or_default();
            let (url, below) = match screenshot {
                Value::Object(members) => (members.get("screenshotUrl").and_then(Value::as_str), "/screenshotUrl"),
                bare => (bare.as_str(), ""),
            };
            let pointer = format!("{}/{at}{below}", fields::pointer("screenshots"));
            let url = url.filter(|url| !url.is_empty()).and_then(|_| self.image(&pointer));
            (url.is_some() || !name.is_empty()).then_some(CatalogScreenshot { name, url })
        };
        offer.array("screenshots").iter().enumerate().filter_map(shown).collect()
    }

    /// Our copy of the picture that the definition names at a pointer.
    fn image(&self, pointer: &str) -> Option<String> {
        self.copy(pointer, |media_type| media_type.starts_with("image/"))
    }

    /// Our copy of the file that the definition names at a pointer, where it is of such a type.
    fn copy(&self, pointer: &str, is_such: impl Fn(&str) -> bool) -> Option<String> {
        let target = format!("/definition{pointer}");
        let artifact = self.artifacts.iter().find(|artifact| artifact.target == target)?;
        let pinned = artifact.pinned.as_ref().filter(|pinned| pinned.kept && is_such(&pinned.media_type))?;
        Some(self.links.artifact(&pinned.digest, &pinned.media_type))
    }
}

/// A list of links; each is an object with a name, or an address alone.
fn links(offer: &Fields<'_>, list: &str, name: &str, address: &str) -> Vec<CatalogLink> {
    let link = |entry: &Value| {
        let url = web_address(entry.get(address).unwrap_or(entry).as_str()?)?;
        Some(CatalogLink { title: text_or(entry.get(name)).unwrap_or_else(|| url.clone()), url })
    };
    offer.array(list).iter().filter_map(link).collect()
}
