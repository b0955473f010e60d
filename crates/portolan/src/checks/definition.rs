//! Judges the version's definition by its type's schema and the rules: the same faults that publish finds.

use super::{Job, Setback};
use publishing::command::{Ending, Report};
use publishing::definition::faults;
use publishing::message::Message;
use publishing::secrets;

pub(super) fn run(job: &Job) -> Result<Report, Setback> {
    let definition = secrets::put_back(&job.snapshot.draft);
    let faults = faults(&definition, job.offer_type()?, &job.live_plans);
    let messages: Vec<Message> = faults.iter().map(|fault| Message::fault(fault, job.now)).collect();
    let ending = if messages.is_empty() { Ending::Done } else { Ending::Rejected };
    Ok(Report::new(ending, messages))
}
