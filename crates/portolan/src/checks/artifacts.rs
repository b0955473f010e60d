//! Records the artifacts that the version's definition points to.

use super::{Job, Setback};
use publishing::command::{Artifact, Ending, Report};
use publishing::message::Message;

pub(super) fn run(job: &Job) -> Result<Report, Setback> {
    let definition =
        serde_json::from_str(&job.snapshot.draft.definition).map_err(|error| Setback(error.to_string()))?;
    let found = job.offer_type()?.schema().artifacts(&definition);
    let artifacts: Vec<Artifact> = found
        .into_iter()
        .map(|marked| Artifact { target: format!("/definition{}", marked.pointer), url: marked.url, pinned: None })
        .collect();
    let said = match artifacts.len() {
        0 => None,
        1 => Some("The address of 1 artifact is recorded.".to_owned()),
        many => Some(format!("The addresses of {many} artifacts are recorded.")),
    };
    let messages = said.map(|text| Message::information(text, job.now)).into_iter().collect();
    Ok(Report { artifacts, ..Report::new(Ending::Done, messages) })
}
