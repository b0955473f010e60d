//! What is asked of SQLite about offers in production.

use super::sqlite_read::{all, key, parse};
use super::{Live, LiveSelection, StoreError};
use publishing::command::Artifact;
use publishing::moment::Moment;
use publishing::offer::Previous;
use publishing::operation::{Course, Purpose};
use rusqlite::{Connection, Row, params};
use serde::Deserialize;
use serde_json::{Value, json};

/// Offers that not everybody may see are passed over, as [`publishing::plan::any_visible`] has it. The members that lists show are taken out here: a definition can be long, and most of it is not wanted.
const STATEMENT: &str = r#"
SELECT p.id, o.id, p.display_text, o.offer_type, o.production, o.previous,
       json_array(substr(json_extract(v.definition, '$.displayText'), 1, 200),
                  substr(json_extract(v.definition, '$.offer."microsoft-azure-marketplace.title"'), 1, 200),
                  substr(json_extract(v.definition, '$.offer."microsoft-azure-marketplace.summary"'), 1, 500),
                  json_extract(v.definition, '$.offer."microsoft-azure-marketplace.categories"'),
                  json_extract(v.definition, '$.offer."microsoft-azure-marketplace.categoryMap"')),
       (SELECT r.record FROM operation r
         WHERE r.publisher = o.publisher AND r.offer = o.id AND r.offer_version = o.production
         ORDER BY r.purpose = 'goLive' DESC, r.started_at DESC LIMIT 1)
  FROM offer o JOIN publisher p ON p.folded = o.publisher
       JOIN version v ON v.publisher = o.publisher AND v.offer = o.id AND v.version = o.production
 WHERE o.production IS NOT NULL
   AND (o.live_plans = '[]' OR EXISTS (SELECT 1 FROM json_each(o.live_plans)
         WHERE NOT value ->> 'private' AND NOT coalesce(value ->> 'hidden', 0)))
   AND (o.publisher, o.id) > (?1, ?2)
   AND (?3 IS NULL OR o.offer_type = ?3 COLLATE NOCASE) AND (?4 IS NULL OR o.publisher = ?4)
 ORDER BY o.publisher, o.id LIMIT ?5"#;

/// What is wanted of the run that brought a version into production.
#[derive(Deserialize)]
struct Run {
    purpose: Purpose,
    course: Course,
    changed_at: Moment,
    artifacts: Vec<Artifact>,
}

/// Offers in production, in the order of their folded names.
pub(super) fn live(connection: &Connection, selection: &LiveSelection) -> Result<Vec<Live>, StoreError> {
    let after = selection.after.as_ref();
    let (publisher, offer) = after.map_or_else(Default::default, |key| (key.publisher.folded(), key.offer.to_string()));
    let whose = selection.publisher.as_ref().map(|publisher| publisher.to_ascii_lowercase());
    let params = params![publisher, offer, selection.offer_type, whose, selection.top];
    all(connection, STATEMENT, params, |row| Ok(read(row)))?.into_iter().collect()
}

fn read(row: &Row<'_>) -> Result<Live, StoreError> {
    let [display_text, title, summary, categories, category_map]: [Value; 5] = parse(&row.get::<_, String>(6)?)?;
    let run: Option<Run> = row.get::<_, Option<String>>(7)?.map(|record| parse(&record)).transpose()?;
    let previous: Option<Previous> = row.get::<_, Option<String>>(5)?.map(|previous| parse(&previous)).transpose()?;
    let went_live = |run: &Run| run.purpose == Purpose::GoLive && run.course == Course::Completed;
    Ok(Live {
        key: key(&row.get::<_, String>(0)?, &row.get::<_, String>(1)?)?,
        publisher_display_text: row.get(2)?,
        offer_type: row.get(3)?,
        version: row.get(4)?,
        outline: json!({
            "displayText": display_text,
            "offer": {
                "microsoft-azure-marketplace.title": title,
                "microsoft-azure-marketplace.summary": summary,
                "microsoft-azure-marketplace.categories": categories,
                "microsoft-azure-marketplace.categoryMap": category_map,
            },
        }),
        // It came when another one left, or else with the first go live.
        since: previous
            .map(|previous| previous.left_at)
            .or_else(|| run.as_ref().filter(|run| went_live(run)).map(|run| run.changed_at)),
        artifacts: run.map(|run| run.artifacts).unwrap_or_default(),
    })
}
