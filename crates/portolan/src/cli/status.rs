//! `portolan status`: where an offer stands, once or as it changes.

use super::Run;
use super::exit::Exit;
use super::follow::{Ending, Frame, Goal, Outcome, Snapshot, Watch, alone, named, picture, size};
use super::moments::now;
use super::session::Session;
use super::source::Source;
use super::verb::{Limit, Subject, Which, in_time};
use anyhow::Result;
use api::status::OfferStatus;
use clap::Args;

/// Which offer, and how to look at it.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    which: Which,
    /// Follow it until it is live, rejected or canceled, or waits for your go live.
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    limit: Limit,
    /// The file that the draft is from: what is at fault is told with its line.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
}

impl Run for Status {
    async fn run(self, session: &Session) -> Result<Exit> {
        let source = self.file.as_deref().map(Source::read).transpose()?;
        let limit = self.limit.of(session, self.watch.then_some(()).ok_or("--watch"))?;
        let subject = in_time(limit, Subject::of(session, &self.which)).await?;
        let first = in_time(limit, subject.look()).await?;
        if !self.watch {
            show(&subject, &first, source.as_ref()).await?;
            return Ok(Exit::Done);
        }
        let (client, key, title) = (&subject.client, subject.key(), subject.title_to_draw(true).await);
        let (goal, source, limit) = (Goal::End, source.as_ref(), limit.map(|limit| limit.limit));
        let watch = Watch { session, client, key, title, goal, limit, source, on_output: true, before: None };
        let watched = watch.from(first).await?;
        if !session.output.is_for_people() {
            return Ok(watched.outcome.exit());
        }
        let took = Some(watched.took).filter(|_| watched.outcome == Outcome::Pending);
        let (snapshot, is_drawn, meant) = (&watched.snapshot, watched.is_drawn, subject.meant.as_str());
        Ending { session, meant, key, goal, outcome: watched.outcome, snapshot, took, is_drawn, source }.tell()
    }
}

/// Where it stands: a picture on a terminal, and lines that stand alone for everything else.
async fn show(subject: &Subject<'_>, snapshot: &Snapshot, source: Option<&Source>) -> Result<()> {
    let session = subject.session;
    let is_drawn = session.output.look.is_terminal;
    let title = if is_drawn && session.output.is_for_people() { subject.title().await } else { Default::default() };
    session.output.document(&snapshot.wire, |out, look| {
        if !is_drawn {
            alone(&subject.offer, snapshot, source).iter().try_for_each(|line| writeln!(out, "{line}"))?;
            return Ok(());
        }
        let frame =
            Frame { look, columns: size(std::io::stdout()).0, rows: None, now: Some(snapshot.at.unwrap_or_else(now)) };
        for line in picture(&title, snapshot, frame) {
            writeln!(out, "{}", line.told(look))?;
        }
        if let Some(next) = next(subject, snapshot) {
            writeln!(out, "{next}")?;
        }
        Ok(())
    })
}

/// What to type next.
fn next(subject: &Subject<'_>, snapshot: &Snapshot) -> Option<String> {
    let offer = named(subject.session, &subject.meant);
    let links = &snapshot.document.preview_links;
    match snapshot.document.status {
        OfferStatus::Running => Some(format!("Follow: portolan status {offer} --watch")),
        OfferStatus::WaitingForPublisherReview => {
            let look = links.first().map(|link| format!("Look: {}   ", super::print::plain(&link.uri)));
            Some(format!("{}Then: portolan go-live {offer}", look.unwrap_or_default()))
        }
        OfferStatus::NeverPublished | OfferStatus::NotStarted | OfferStatus::Failed | OfferStatus::Canceled => {
            Some(format!("Then: portolan publish {offer}"))
        }
        OfferStatus::Succeeded | OfferStatus::Complete => None,
    }
}
