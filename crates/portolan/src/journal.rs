//! `portolan journal verify`: whether the journal of a data directory is whole, on its own machine and without a server.

use crate::clock::Clock;
use crate::store::{Flaw, KnownEntry, Verified, verify};
use anyhow::{Context, Result, bail};
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Which data directory, and what is known of its journal.
#[derive(Debug, Args)]
pub struct Verify {
    /// The directory of the database.
    #[arg(long, env = "PORTOLAN_DATA")]
    data: PathBuf,
    /// An entry that you have kept, as `publisher:sequence:hash`; webhooks and histories show sequence and hash. May be
    /// given more than once. Finds a journal that was cut off, or written anew as a whole.
    #[arg(long, value_name = "PUBLISHER:SEQUENCE:HASH", value_parser = known_entry)]
    expect: Vec<KnownEntry>,
}

impl Verify {
    /// Does it.
    ///
    /// # Errors
    /// Where something is wrong with a journal, or the database cannot be read.
    pub fn run(self, clock: &Clock) -> Result<()> {
        let Self { data, expect } = self;
        let mut progress = Progress::new(clock);
        let found = verify(&data, &expect, &mut |lines| progress.tell(lines))
            .with_context(|| format!("the journal in {}", data.display()))?;
        progress.end();
        let mut out = std::io::stdout().lock();
        for one in &found {
            writeln!(out, "{}", line(one))?;
        }
        match found.iter().filter(|one| one.flaw.is_some()).count() {
            0 => Ok(()),
            bad => bail!(
                "{bad} of {} journals are not whole; keep the database as it is, and see what says so",
                found.len()
            ),
        }
    }
}

/// What was found of one circle.
fn line(verified: &Verified) -> String {
    let Verified { circle, entries, head, flaw } = verified;
    let circle = plain(circle);
    let Some(Flaw { sequence, offer, at, what }) = flaw else {
        let hash: String = head.iter().map(|byte| format!("{byte:02x}")).collect();
        let named = if *entries == 1 { "entry" } else { "entries" };
        return format!("whole  {circle}  {entries} {named}  {circle}:{entries}:{hash}");
    };
    let sequence = sequence.map(|sequence| format!("  entry {sequence}")).unwrap_or_default();
    let offer = if offer.is_empty() { String::new() } else { format!("  offer {}", plain(offer)) };
    let at = at.map(|at| format!("  {}", api::dates::Date::from_ticks(at))).unwrap_or_default();
    format!("BAD    {circle}{sequence}{offer}{at}  {what}")
}

/// Text without what would steer a terminal, or begin a line of its own.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Reads `publisher:sequence:hash`.
fn known_entry(text: &str) -> Result<KnownEntry> {
    let form = "write publisher:sequence:hash, the hash in 64 hexadecimal digits, as in a webhook";
    let mut parts = text.rsplitn(3, ':');
    let (Some(hash), Some(sequence), Some(circle)) = (parts.next(), parts.next(), parts.next()) else {
        bail!("{form}")
    };
    let sequence: i64 = sequence.parse().ok().filter(|sequence| *sequence > 0).context(form)?;
    if hash.len() != 64 || !hash.is_ascii() {
        bail!("{form}");
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[2 * at..2 * at + 2], 16).context(form)?;
    }
    Ok(KnownEntry { circle: circle.to_ascii_lowercase(), sequence, hash: bytes })
}

/// Tells on standard error how far it is, where it takes a while: on a terminal on one line, elsewhere in plain lines.
struct Progress<'a> {
    clock: &'a Clock,
    next: Duration,
    told: bool,
    terminal: bool,
}

impl<'a> Progress<'a> {
    fn new(clock: &'a Clock) -> Self {
        let next = clock.steady() + Duration::from_secs(1);
        Self { clock, next, told: false, terminal: std::io::stderr().is_terminal() }
    }

    fn tell(&mut self, lines: u64) {
        if self.clock.steady() < self.next {
            return;
        }
        self.told = true;
        self.next = self.clock.steady() + Duration::from_secs(if self.terminal { 1 } else { 10 });
        let (before, after) = if self.terminal { ("\r", "") } else { ("", "\n") };
        let mut out = std::io::stderr();
        // Whoever does not read this loses nothing.
        let _ = write!(out, "{before}{lines} entries read{after}").and_then(|()| out.flush());
    }

    fn end(&self) {
        if self.told && self.terminal {
            let _ = writeln!(std::io::stderr());
        }
    }
}
