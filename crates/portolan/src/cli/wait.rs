//! `portolan wait`: until an offer has come so far, or cannot any more.

use super::Run;
use super::exit::Exit;
use super::follow::{Goal, Point};
use super::session::Session;
use super::source::Source;
use super::verb::{Limit, Subject, Which, in_time};
use anyhow::Result;
use clap::Args;

/// Which offer, what for, and how long.
#[derive(Debug, Args)]
pub struct Wait {
    #[command(flatten)]
    which: Which,
    /// What to wait for.
    #[arg(long = "for", value_name = "POINT", value_enum)]
    point: Point,
    #[command(flatten)]
    limit: Limit,
    /// The file that the draft is from: what is at fault is told with its line.
    #[arg(long, short, value_name = "FILE")]
    file: Option<String>,
}

impl Run for Wait {
    async fn run(self, session: &Session) -> Result<Exit> {
        let source = self.file.as_deref().map(Source::read).transpose()?;
        let limit = self.limit.of(session, Ok(()))?;
        let subject = in_time(limit, Subject::of(session, &self.which)).await?;
        subject.wait((Goal::Point(self.point), limit), source.as_ref(), None).await
    }
}
