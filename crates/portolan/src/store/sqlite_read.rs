//! What is asked of SQLite: one function a question.

use super::sealed::{self, Place};
use super::{Document, Listed, Selection, StoreError, Stored};
use crate::vault::Vault;
use bytes::Bytes;
use http::HeaderValue;
use publishing::moment::Moment;
use publishing::offer::{Draft, Offer, OfferId, OfferKey, PublisherId, Snapshot};
use publishing::operation::{Operation, Purpose};
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

type Result<T> = std::result::Result<T, StoreError>;

pub(super) fn load(connection: &Connection, vault: &Vault, key: &OfferKey) -> Result<Option<Stored>> {
    let read = |row: &Row<'_>| {
        let record: Option<String> = row.get(10)?;
        let operation = record.map(|record| parse::<Operation>(&record)).transpose();
        Ok(operation.and_then(|operation| offer(row, vault, key, operation)))
    };
    first(
        connection,
        "SELECT o.revision, o.offer_type, o.version, o.changed_at, o.saved_at, o.preview, o.production, o.live_plans,
                d.secrets, d.definition, p.record, o.preview_audience, o.live_audiences, o.previous
           FROM offer o JOIN draft d ON d.publisher = o.publisher AND d.offer = o.id
                LEFT JOIN operation p ON p.id = o.operation
          WHERE o.publisher = ?1 AND o.id = ?2",
        (key.publisher.folded(), key.offer.as_str()),
        read,
    )?
    .transpose()
}

fn offer(row: &Row<'_>, vault: &Vault, key: &OfferKey, operation: Option<Operation>) -> Result<Stored> {
    let place = Place { publisher: &key.publisher.folded(), offer: key.offer.as_str(), version: None };
    let draft = Draft {
        definition: row.get(9)?,
        secrets: sealed::unseal(vault, &place, &row.get::<_, String>(8)?)?,
        saved_at: Moment::from_ticks(row.get(4)?),
    };
    let offer = Offer {
        key: key.clone(),
        offer_type: row.get(1)?,
        version: row.get(2)?,
        draft,
        changed_at: Moment::from_ticks(row.get(3)?),
        preview: row.get(5)?,
        production: row.get(6)?,
        preview_audience: parse(&row.get::<_, String>(11)?)?,
        live_plans: parse(&row.get::<_, String>(7)?)?,
        live_audiences: parse(&row.get::<_, String>(12)?)?,
        previous: row.get::<_, Option<String>>(13)?.map(|previous| parse(&previous)).transpose()?,
        operation,
    };
    Ok(Stored { offer, revision: row.get(0)? })
}

/// The rendered status document of `publisher/offer`.
pub(super) fn document(connection: &Connection, name: &str) -> Result<Option<Document>> {
    let Some((publisher, offer)) = name.split_once('/') else { return Ok(None) };
    let found: Option<(Vec<u8>, String)> = first(
        connection,
        "SELECT document, etag FROM offer WHERE publisher = ?1 AND id = ?2",
        (publisher, offer),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let ready = |(body, etag): (Vec<u8>, String)| {
        let etag = HeaderValue::try_from(etag).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Document { body: Bytes::from(body), etag })
    };
    found.map(ready).transpose()
}

pub(super) fn offers(connection: &Connection, selection: &Selection) -> Result<Vec<Listed>> {
    all(
        connection,
        "SELECT id, offer_type, status, version, display_text, changed_at FROM offer
          WHERE publisher = ?1 AND (?2 IS NULL OR offer_type = ?2 COLLATE NOCASE)
          ORDER BY id LIMIT ?3 OFFSET ?4",
        (selection.publisher.folded(), &selection.offer_type, selection.top, selection.skip),
        in_a_list,
    )?
    .into_iter()
    .collect()
}

pub(super) fn listed(connection: &Connection, keys: &[OfferKey]) -> Result<Vec<Option<Listed>>> {
    let statement = "SELECT id, offer_type, status, version, display_text, changed_at FROM offer
          WHERE publisher = ?1 AND id = ?2";
    let one = |key: &OfferKey| {
        first(connection, statement, (key.publisher.folded(), key.offer.as_str()), in_a_list)?.transpose()
    };
    keys.iter().map(one).collect()
}

fn in_a_list(row: &Row<'_>) -> rusqlite::Result<Result<Listed>> {
    let status: String = row.get(2)?;
    let (id, offer_type) = (row.get(0)?, row.get(1)?);
    let (version, display_text, changed_at) = (row.get(3)?, row.get(4)?, Moment::from_ticks(row.get(5)?));
    Ok(word_of(&status).map(|status| Listed { id, offer_type, status, version, display_text, changed_at }))
}

pub(super) fn snapshot(
    connection: &Connection,
    vault: &Vault,
    key: &OfferKey,
    version: i64,
) -> Result<Option<Snapshot>> {
    let publisher = key.publisher.folded();
    let place = Place { publisher: &publisher, offer: key.offer.as_str(), version: Some(version) };
    let read = |row: &Row<'_>| {
        let secrets: String = row.get(1)?;
        let (definition, saved_at) = (row.get(0)?, Moment::from_ticks(row.get(2)?));
        let published_at = Moment::from_ticks(row.get(3)?);
        Ok(sealed::unseal(vault, &place, &secrets).map(|secrets| Snapshot {
            version,
            draft: Draft { definition, secrets, saved_at },
            published_at,
        }))
    };
    first(
        connection,
        "SELECT definition, secrets, saved_at, published_at FROM version
          WHERE publisher = ?1 AND offer = ?2 AND version = ?3",
        (&publisher, key.offer.as_str(), version),
        read,
    )?
    .transpose()
}

pub(super) fn operations(connection: &Connection, key: &OfferKey) -> Result<Vec<Operation>> {
    records(
        connection,
        "SELECT record FROM operation WHERE publisher = ?1 AND offer = ?2 ORDER BY started_at DESC",
        (key.publisher.folded(), key.offer.as_str()),
    )
}

pub(super) fn operation_of_version(
    connection: &Connection,
    key: &OfferKey,
    version: i64,
    purpose: Purpose,
) -> Result<Option<Operation>> {
    let found = records(
        connection,
        "SELECT record FROM operation
          WHERE publisher = ?1 AND offer = ?2 AND offer_version = ?3 AND purpose = ?4 ORDER BY started_at DESC LIMIT 1",
        (key.publisher.folded(), key.offer.as_str(), version, word(&purpose)?),
    )?;
    Ok(found.into_iter().next())
}

pub(super) fn operation(connection: &Connection, id: Uuid) -> Result<Option<(OfferKey, Operation)>> {
    let found = keyed(connection, "WHERE o.id = ?1", [id.to_string()])?;
    Ok(found.into_iter().next())
}

pub(super) fn running(connection: &Connection) -> Result<Vec<(OfferKey, Operation)>> {
    keyed(connection, "WHERE o.course = 'running' ORDER BY o.started_at, o.rowid", [])
}

fn keyed(connection: &Connection, which: &str, params: impl Params) -> Result<Vec<(OfferKey, Operation)>> {
    let statement =
        format!("SELECT p.id, o.offer, o.record FROM operation o JOIN publisher p ON p.folded = o.publisher {which}");
    let found: Vec<(String, String, String)> =
        all(connection, &statement, params, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    found.into_iter().map(|(publisher, offer, record)| Ok((key(&publisher, &offer)?, parse(&record)?))).collect()
}

pub(super) fn next_due(connection: &Connection) -> Result<Option<Moment>> {
    let ticks: Option<i64> = first(
        connection,
        "SELECT MIN(at) FROM (SELECT MIN(due_at) AS at FROM due WHERE leased_until IS NULL
                               UNION ALL SELECT MIN(leased_until) FROM due WHERE leased_until IS NOT NULL)",
        [],
        |row| row.get(0),
    )?
    .flatten();
    Ok(ticks.map(Moment::from_ticks))
}

pub(super) fn pipeline_digest(connection: &Connection, offer_type: &str) -> Result<Option<String>> {
    first(connection, "SELECT digest FROM pipeline WHERE offer_type = ?1", [offer_type], |row| row.get(0))
}

pub(super) fn planned_only(connection: &Connection, offer_type: &str) -> Result<Vec<OfferKey>> {
    let found: Vec<(String, String)> = all(
        connection,
        "SELECT p.id, o.id FROM offer o JOIN publisher p ON p.folded = o.publisher
          WHERE o.offer_type = ?1 AND o.status IN ('neverPublished', 'notStarted')",
        [offer_type],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    found.into_iter().map(|(publisher, offer)| key(&publisher, &offer)).collect()
}

pub(super) fn shown(connection: &Connection) -> Result<Vec<OfferKey>> {
    let found: Vec<(String, String)> = all(
        connection,
        "SELECT p.id, o.id FROM offer o JOIN publisher p ON p.folded = o.publisher
          WHERE o.preview IS NOT NULL OR o.production IS NOT NULL",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    found.into_iter().map(|(publisher, offer)| key(&publisher, &offer)).collect()
}

fn records(connection: &Connection, statement: &str, params: impl Params) -> Result<Vec<Operation>> {
    let found: Vec<String> = all(connection, statement, params, |row| row.get(0))?;
    found.iter().map(|record| parse(record)).collect()
}

pub(super) fn first<T>(
    connection: &Connection,
    statement: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    Ok(connection.prepare_cached(statement)?.query_row(params, read).optional()?)
}

pub(super) fn all<T>(
    connection: &Connection,
    statement: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = connection.prepare_cached(statement)?;
    let rows = statement.query_map(params, read)?;
    Ok(rows.collect::<rusqlite::Result<Vec<T>>>()?)
}

pub(super) fn key(publisher: &str, offer: &str) -> Result<OfferKey> {
    let offer = OfferId::parse(offer).ok_or_else(|| StoreError::Corrupt(format!("offer id {offer:?}")))?;
    Ok(OfferKey { publisher: publisher_id(publisher)?, offer })
}

pub(super) fn publisher_id(text: &str) -> Result<PublisherId> {
    PublisherId::parse(text).ok_or_else(|| StoreError::Corrupt(format!("publisher id {text:?}")))
}

pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// A unit variant as its wire word.
pub(super) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        other => Err(StoreError::Corrupt(format!("no word for {other:?}"))),
    }
}

pub(super) fn word_of<T: DeserializeOwned>(word: &str) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned()))
        .map_err(|error| StoreError::Corrupt(error.to_string()))
}
