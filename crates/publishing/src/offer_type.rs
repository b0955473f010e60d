//! A type of offer: id, display name, schema and pipeline. The built-in ones are files beside the code; operators add more.

use crate::offer::Offer;
use crate::pipeline::{Pipeline, PlannedStep};
use crate::refusal::Refusal;
use crate::schema::Schema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

macro_rules! built_in {
    ($($name:literal),+) => {
        [$((concat!($name, ".toml"), include_str!(concat!("../offer_types/", $name, ".toml")),
            include_str!(concat!("../offer_types/", $name, ".schema.json")))),+]
    };
}

/// File name, type and schema of each built-in type.
const BUILT_IN: [(&str, &str, &str); 6] =
    built_in!("virtual-machine", "core-virtual-machine", "azure-application", "container", "iot-edge", "saas");

/// Why a file is no offer type.
#[derive(Debug, Error)]
#[error("offer type file {file}: {reason}")]
pub struct OfferTypeFault {
    file: String,
    reason: String,
}

/// What an offer type file says. `schema` names a JSON Schema file beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferTypeFile {
    /// The type's id on the wire.
    pub id: String,
    /// Its name for people.
    pub display_text: String,
    /// The schema's file name, relative to this file; without one only the general rules judge a definition.
    pub schema: Option<String>,
    step: Vec<PlannedStep>,
}

/// One type of offer.
#[derive(Clone, Debug)]
pub struct OfferType {
    /// Its id on the wire.
    pub id: String,
    /// Its name for people.
    pub display_text: String,
    /// What its offers go through.
    pub pipeline: Pipeline,
    schema: Arc<Schema>,
}

impl OfferTypeFile {
    /// Reads the text of an offer type file.
    ///
    /// # Errors
    /// [`OfferTypeFault`] with the place in the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, OfferTypeFault> {
        toml::from_str(text).map_err(|error| OfferTypeFault { file: file.to_owned(), reason: error.to_string() })
    }

    /// Makes the type, with the text of its schema.
    ///
    /// # Errors
    /// [`OfferTypeFault`] where the steps are no pipeline or the text is no schema.
    pub fn with_schema(self, file: &str, schema: &str) -> Result<OfferType, OfferTypeFault> {
        let fault = |reason: String| OfferTypeFault { file: file.to_owned(), reason };
        let schema: Value = serde_json::from_str(schema).map_err(|error| fault(format!("schema: {error}")))?;
        Ok(OfferType {
            id: self.id,
            display_text: self.display_text,
            pipeline: Pipeline::new(self.step).map_err(|error| fault(error.to_string()))?,
            schema: Arc::new(Schema::compile(schema).map_err(|error| fault(format!("schema: {error}")))?),
        })
    }
}

impl OfferType {
    /// Where the secret members of its definitions lie.
    pub fn secrets(&self) -> &[Vec<String>] {
        self.schema.secrets()
    }

    /// What judges its definitions.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// The offer types there are, by id.
#[derive(Clone, Debug, Default)]
pub struct OfferTypes(BTreeMap<String, OfferType>);

impl OfferTypes {
    /// The types of the wire contract, section 3.
    ///
    /// # Errors
    /// [`OfferTypeFault`] if a file compiled in is broken; a test reads them all.
    pub fn built_in() -> Result<Self, OfferTypeFault> {
        let mut types = Self::default();
        for (file, text, schema) in BUILT_IN {
            types.add(OfferTypeFile::parse(file, text)?.with_schema(file, schema)?);
        }
        Ok(types)
    }

    /// Adds a type, or replaces the one of the same id, without regard to case.
    pub fn add(&mut self, offer_type: OfferType) {
        self.0.retain(|id, _| !id.eq_ignore_ascii_case(&offer_type.id));
        self.0.insert(offer_type.id.clone(), offer_type);
    }

    /// A type by id, without regard to case.
    pub fn get(&self, id: &str) -> Option<&OfferType> {
        self.0.get(id).or_else(|| self.iter().find(|offer_type| offer_type.id.eq_ignore_ascii_case(id)))
    }

    /// The type of an offer.
    ///
    /// # Errors
    /// [`Refusal::BadRequest`] where the operator has taken the type away.
    pub fn of(&self, offer: &Offer) -> Result<&OfferType, Refusal> {
        self.get(&offer.offer_type).ok_or_else(|| {
            Refusal::bad_request(
                "/offerTypeId",
                format!(
                    "The offer type {:?} is not configured here any more. Ask the operator to add it.",
                    offer.offer_type
                ),
            )
        })
    }

    /// All types, ordered by id.
    pub fn iter(&self) -> impl Iterator<Item = &OfferType> {
        self.0.values()
    }

    /// All types, to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut OfferType> {
        self.0.values_mut()
    }

    /// All ids, in order.
    pub fn ids(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::OfferTypes;

    #[test]
    fn the_built_in_types_are_those_of_the_contract() {
        let types = OfferTypes::built_in().unwrap();
        assert_eq!(
            types.ids(),
            [
                "microsoft-azure-applications",
                "microsoft-azure-container",
                "microsoft-azure-corevm",
                "microsoft-azure-iotedge",
                "microsoft-azure-saas",
                "microsoft-azure-virtualmachines"
            ]
        );
        let steps = |id: &str| types.get(id).unwrap().pipeline.steps().iter().map(|s| s.id.clone()).collect::<Vec<_>>();
        let machine = [
            "displaydummycertify",
            "displaycertify",
            "displayprovision",
            "displaypackage",
            "publisher-signoff",
            "live",
        ];
        assert_eq!(steps("microsoft-azure-virtualmachines"), machine);
        assert_eq!(steps("microsoft-azure-corevm"), machine);
        assert_eq!(
            steps("Microsoft-Azure-Applications"),
            [
                "displaydummycertify",
                "displayinfluencedrevenue",
                "displaycertify",
                "displaytestdrive",
                "displaypackage",
                "publisher-signoff",
                "displayreview",
                "live"
            ]
        );
    }
}
