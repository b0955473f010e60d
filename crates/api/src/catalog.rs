//! What customers can see: the offers that are live, in a list and whole.

use crate::dates::Date;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use std::collections::BTreeMap;

/// One page of the list of live offers, ordered by publisher and offer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogPage {
    /// The offers. A page can hold fewer than were asked for, and yet not be the last.
    pub value: Vec<CatalogEntry>,
    /// Where the next page is, as an absolute URL; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_link: Option<String>,
}

/// A live offer in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogEntry {
    /// Who sells it.
    pub publisher_id: String,
    /// Their name for people.
    pub publisher_display_text: String,
    /// Its id at the publisher.
    pub offer_id: String,
    /// The id of its type.
    pub offer_type_id: String,
    /// The version that is live.
    pub version: i64,
    /// Its name for people.
    pub display_text: String,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The categories it is in.
    pub categories: Vec<String>,
    /// Its small logo, at this service; absent where no copy is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_logo: Option<String>,
    /// Its page for customers.
    pub link: String,
    /// Since when this version is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub live_since: Option<Date>,
}

/// A live offer as its page shows it. Texts are plain texts unless their comment says that they are HTML.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogOffer {
    /// Who sells it.
    pub publisher_id: String,
    /// Their name for people.
    pub publisher_display_text: String,
    /// Its id at the publisher.
    pub offer_id: String,
    /// The id of its type.
    pub offer_type_id: String,
    /// The version that is live.
    pub version: i64,
    /// Its name for people.
    pub display_text: String,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// A few sentences about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_summary: Option<String>,
    /// What it is, as HTML of a few harmless tags; headings begin at `h3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The categories it is in.
    pub categories: Vec<String>,
    /// Its logos.
    pub logos: CatalogLogos,
    /// Pictures of it.
    pub screenshots: Vec<CatalogScreenshot>,
    /// Films about it.
    pub videos: Vec<CatalogLink>,
    /// Where more about it can be read.
    pub useful_links: Vec<CatalogLink>,
    /// How the publisher treats personal data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy_url: Option<String>,
    /// The terms themselves, where they are no URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_of_use: Option<String>,
    /// Where the terms are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_of_use_url: Option<String>,
    /// Who helps customers.
    pub support: CatalogSupport,
    /// What can be bought by everybody.
    pub plans: Vec<CatalogPlan>,
    /// Its page for customers.
    pub link: String,
}

/// The logos of an offer, at this service; each is absent where no copy is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogLogos {
    /// 48 x 48 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small: Option<String>,
    /// 90 x 90 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub medium: Option<String>,
    /// 115 x 115 or 216 x 216 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large: Option<String>,
    /// 255 x 115 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wide: Option<String>,
    /// 815 x 290 pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hero: Option<String>,
}

/// A picture of an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogScreenshot {
    /// What it shows; empty where the publisher does not say.
    pub name: String,
    /// The picture, at this service; absent where no copy is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// A link to somewhere else, always http or https.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogLink {
    /// What is there.
    pub title: String,
    /// Where it is.
    pub url: String,
}

/// Who helps customers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogSupport {
    /// Their name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Their page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// One variant of an offer that can be bought.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogPlan {
    /// Its id.
    pub plan_id: String,
    /// Its name for people.
    pub title: String,
    /// One sentence about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it is, as HTML of a few harmless tags; headings begin at `h4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The countries where it is sold, as ISO codes; empty where none are named.
    pub regions: Vec<String>,
    /// The operating system of its machines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system: Option<String>,
    /// The sizes of machines that suit it.
    pub recommended_sizes: Vec<String>,
    /// What it costs; absent where the definition names no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<CatalogPricing>,
}

/// What a plan costs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CatalogPricing {
    /// Whether customers bring a licence of their own.
    pub is_byol: bool,
    /// How many months cost nothing.
    pub free_trial_months: u32,
    /// The currency of the prices below, as an ISO code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The price of a core for an hour, where it is one for all sizes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<f64>))]
    pub per_core_hour: Option<Number>,
    /// The price of an hour for each size, such as `4core`, where each has its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, f64>))]
    pub per_size_hour: BTreeMap<String, Number>,
    /// Whether a spreadsheet says the prices.
    pub in_price_sheet: bool,
    /// The spreadsheet, at this service; absent where no copy is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_sheet: Option<String>,
}
