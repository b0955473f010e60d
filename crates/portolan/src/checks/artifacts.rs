//! Records the artifacts that the version's definition points to.

use super::{Job, Setback};
use publishing::command::{Artifact, Ending, Report};
use publishing::message::Message;

pub(super) fn run(job: &Job) -> Result<Report, Setback> {
    let definition =
        serde_json::from_str(&job.snapshot.draft.definition).map_err(|error| Setback(error.to_string()))?;
    let found = job.offer_type()?.schema().artifacts(&definition);
    let artifacts: Vec<Artifact> =
        found.into_iter().map(|(pointer, url)| Artifact { target: format!("/definition{pointer}"), url }).collect();
    let text = match artifacts.len() {
        1 => "1 artifact recorded.".to_owned(),
        many => format!("{many} artifacts recorded."),
    };
    Ok(Report { ending: Ending::Done, messages: vec![Message::information(text, job.now)], artifacts })
}
