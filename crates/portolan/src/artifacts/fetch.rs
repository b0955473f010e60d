//! Fetches a file from where its publisher put it, through the one door out, into a temporary.

use super::flaws::Flaw;
use super::spool::Spool;
use super::{Hindrance, PinFault, disks, trouble};
use crate::egress::{Egress, EgressFault, Incoming, Outgoing};
use http::header::{CONTENT_RANGE, RANGE};
use http::{HeaderValue, StatusCode};
use std::time::Duration;

/// How many redirects are followed.
const REDIRECTS: u8 = 3;
/// How long a file may take.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long a disk image may take.
const PATIENCE_FOR_DISKS: Duration = Duration::from_secs(12 * 60 * 60);
/// How many bytes a second there must be at least.
const SLOWEST: u64 = 10_000;

/// What to ask for.
pub(super) struct Errand<'a> {
    pub(super) url: &'a str,
    /// The most bytes that the file may have.
    pub(super) largest: u64,
    pub(super) is_disk: bool,
}

impl Errand<'_> {
    /// Fetches the whole file and gives each part to `take`.
    ///
    /// # Errors
    /// What is wrong at its origin, or what `take` says.
    pub(super) async fn whole(
        &self,
        egress: &Egress,
        mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), PinFault> {
        let mut answer = self.ask(egress, None, self.largest).await?;
        if answer.status != StatusCode::OK {
            return Err(unwelcome(answer.status));
        }
        let announced = answer.length();
        let mut came = 0_u64;
        while let Some(chunk) = answer.chunk().await.map_err(|fault| self.fault(&fault))? {
            came = came.saturating_add(chunk.len() as u64);
            take(&chunk).map_err(trouble)?;
        }
        match announced {
            Some(announced) if announced != came => Err(self.fault(&EgressFault::Broken)),
            _ => Ok(()),
        }
    }

    /// Looks at the end of a disk image without fetching it; gives its length in bytes.
    ///
    /// # Errors
    /// What is wrong with it, or at its origin.
    pub(super) async fn look_at_disk(&self, egress: &Egress) -> Result<u64, PinFault> {
        let last = format!("bytes=-{}", disks::FOOTER);
        let mut answer = self.ask(egress, Some(&last), disks::FOOTER).await?;
        if answer.status == StatusCode::OK {
            return Err(refused(
                "FileUnreachable",
                "The server gives no part of the file, only all of it.",
                "Put it on one that answers range requests with 206.",
            ));
        }
        if answer.status != StatusCode::PARTIAL_CONTENT {
            return Err(unwelcome(answer.status));
        }
        let Some(length) = total(&answer) else { return Err(self.fault(&EgressFault::Broken)) };
        let mut tail = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|fault| self.fault(&fault))? {
            tail.extend_from_slice(&chunk);
        }
        if length > self.largest {
            return Err(self.fault(&EgressFault::TooLarge));
        }
        disks::judge(&tail, length).map_err(|flaw| PinFault::Refused(vec![flaw]))?;
        Ok(length)
    }

    async fn ask(&self, egress: &Egress, range: Option<&str>, largest: u64) -> Result<Incoming, PinFault> {
        let mut request = Outgoing::get(self.url);
        request.redirects = REDIRECTS;
        request.patience = if self.is_disk { PATIENCE_FOR_DISKS } else { PATIENCE };
        request.slowest = SLOWEST;
        request.largest = largest;
        if let Some(range) = range.and_then(|range| HeaderValue::from_str(range).ok()) {
            request.headers.insert(RANGE, range);
        }
        match egress.to_outsider(request).await {
            // A server that ignores the range announces all of the file, which is more than was asked for.
            Err(EgressFault::TooLarge) if range.is_some() => Err(refused(
                "FileUnreachable",
                "The server gives no part of the file, only all of it.",
                "Put it on one that answers range requests with 206.",
            )),
            answer => answer.map_err(|fault| self.fault(&fault)),
        }
    }

    /// A fault on the way, in words fit for the publisher: the door out names categories only.
    fn fault(&self, fault: &EgressFault) -> PinFault {
        match fault {
            EgressFault::TooLarge => refused(
                "FileTooLarge",
                &format!("The file has more than {}.", size(self.largest)),
                "Give a smaller one.",
            ),
            fault if fault.is_lasting() => {
                let said = fault.to_string();
                let (message, mend) = said.split_once(". ").unwrap_or((&said, "Give another address."));
                refused("FileUnreachable", &format!("{message}."), mend)
            }
            fault => not_now(fault.to_string()),
        }
    }
}

/// The length of the whole file, of which an answer brings a part: `Content-Range: bytes 0-511/1024`.
fn total(answer: &Incoming) -> Option<u64> {
    answer.headers.get(CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

/// An answer that brings no file. What may pass is tried again.
pub fn unwelcome(status: StatusCode) -> PinFault {
    let passes =
        status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
    if passes {
        return not_now(format!("The server answers {}. Try again later.", status.as_u16()));
    }
    refused(
        "FileUnreachable",
        &format!("The server answers {}, and gives no file.", status.as_u16()),
        "Make the address one that everybody can open, without signing in.",
    )
}

fn not_now(words: String) -> PinFault {
    PinFault::NotNow(Hindrance::Origin(words))
}

fn refused(code: &'static str, message: &str, mend: &str) -> PinFault {
    PinFault::Refused(vec![Flaw::new(code, message, mend)])
}

fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 && bytes % (1 << 30) == 0 => format!("{} GiB", bytes >> 30),
        bytes if bytes >= 1 << 20 && bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes => format!("{} KiB", bytes >> 10),
    }
}

/// What takes the parts of a file that is to be kept: a spool.
pub(super) fn into_spool(spool: &mut Spool) -> impl FnMut(&[u8]) -> std::io::Result<()> + '_ {
    |bytes| spool.add(bytes)
}
