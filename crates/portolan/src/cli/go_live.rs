//! `portolan go-live`: signs off the preview, so that customers see it.

use super::Run;
use super::confirm::Confirm;
use super::exit::Exit;
use super::follow::{Goal, Point, Snapshot, goes_on, named};
use super::session::Session;
use super::spans::range;
use super::verb::{Limit, Subject, Which};
use crate::clock::Clock;
use anyhow::Result;
use clap::Args;

/// Which offer, and whether to wait.
#[derive(Debug, Args)]
pub struct GoLive {
    #[command(flatten)]
    which: Which,
    /// Wait until it is live.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    limit: Limit,
    #[command(flatten)]
    confirm: Confirm,
}

impl Run for GoLive {
    async fn run(self, session: &Session) -> Result<Exit> {
        let limit = self.limit.of(session, self.wait.then_some(()).ok_or("--wait"))?;
        let subject = Subject::of(session, &self.which).await?;
        let before = subject.look().await?;
        // Where there is nothing to sign off the server says so; what it said of a submission that goes on may be old.
        if goes_on(&before.document) {
            self.confirm.name(session, &consequences(&before), &subject.offer)?;
        }
        let once = subject.client.repeatable(&Clock::system().fresh_id().to_string())?;
        let done = once.go_live_offer(&subject.publisher, &subject.offer).await;
        subject.done(&before.document, done, "").await?;
        if self.wait {
            session.say("Going live. Ctrl-C stops watching, nothing else.");
            return subject.wait((Goal::Point(Point::Live), limit), None, Some(before.document)).await;
        }
        let follow = format!("Going live. Follow: portolan status {} --watch", named(session, &subject.meant));
        subject.acted(|_| follow).await
    }
}

/// What follows.
fn consequences(before: &Snapshot) -> String {
    let (preview, live) =
        before.explanation.as_ref().map_or((None, None), |said| (said.preview_version, said.live_version));
    let what = match (preview, live) {
        (Some(preview), Some(live)) => format!("Version {preview} replaces version {live}, which is live."),
        (Some(preview), None) => format!("Customers will see version {preview}; nothing is live yet."),
        (None, _) => "Customers will see what is in preview.".to_owned(),
    };
    let last = before.document.steps.last();
    let usual = last.and_then(|step| match (&step.usual_duration, &step.estimated_time_frame) {
        (Some(usual), _) => Some(range(usual.low_seconds, usual.high_seconds, "-")),
        (None, estimate) => estimate.clone().filter(|estimate| !estimate.is_empty()),
    });
    let usual = usual.map(|usual| format!(" That usually takes {usual}.")).unwrap_or_default();
    let too_late = last.map(|step| format!(" Once {} begins it cannot be canceled.", step.step_name));
    format!("{what}{usual}{}", too_late.unwrap_or_default())
}
