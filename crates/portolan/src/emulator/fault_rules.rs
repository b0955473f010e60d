//! Which members a fault of each kind may have, and what they may be; said so that it can be mended.

use super::faults::Unfit;
use api::emulator::{FaultKind, NewFault};

/// The longest that an answer is made late, in milliseconds: ten minutes.
const LATEST: u64 = 600_000;
/// The largest factor.
const LARGEST_FACTOR: f64 = 1_000.0;
/// The longest text, in bytes.
const LONGEST: usize = 1_000;

/// What faults of steps, of requests, and of what is sent are met by.
const STEPS: &[&str] = &["step", "offer", "times", "after"];
const REQUESTS: &[&str] = &["offer", "method", "path", "times", "after"];

/// The members that a kind has besides `kind`.
pub(super) fn members(kind: FaultKind) -> Vec<&'static str> {
    let (met_by, own): (&[&str], &[&str]) = match kind {
        FaultKind::Reject | FaultKind::Block => (STEPS, &["code", "message", "target", "fix"]),
        FaultKind::Stall => (STEPS, &["until"]),
        FaultKind::Slow => (STEPS, &["factor"]),
        FaultKind::LostCallback | FaultKind::ReportedTwice => (STEPS, &[]),
        FaultKind::ExpiredArtifact => (STEPS, &["target"]),
        FaultKind::ApiError => (REQUESTS, &["until", "status", "retryAfter"]),
        FaultKind::SlowAnswer => (REQUESTS, &["milliseconds"]),
        FaultKind::CutConnection => (REQUESTS, &[]),
        FaultKind::Unauthorized => (REQUESTS, &["until"]),
        FaultKind::Conflict => (REQUESTS, &["status"]),
        FaultKind::WebhookDown => (&["url", "offer", "times", "after"], &["until", "status", "failure"]),
        FaultKind::MailDown => (&["to", "times", "after"], &["until", "status"]),
    };
    [met_by, own].concat()
}

/// Judges a fault.
///
/// # Errors
/// [`Unfit`] names the member, the fault and the mend.
pub(super) fn judge(fault: &NewFault) -> Result<(), Unfit> {
    let kind = fault.kind;
    let known = members(kind);
    let unknown = given(fault).into_iter().find(|name| !known.contains(name));
    if let Some(name) = unknown {
        return Err(Unfit(format!("A fault of kind {kind} has no member {name}. It may have {}.", known.join(", "))));
    }
    let unfit = |text: String| Err(Unfit(format!("{text} (a fault of kind {kind})")));
    let statuses: &[u16] = match kind {
        FaultKind::ApiError => &[429, 500, 503],
        FaultKind::Conflict => &[409, 412],
        _ => &[],
    };
    match fault.status {
        Some(status) if !statuses.is_empty() && !statuses.contains(&status) => {
            return unfit(format!("The status {status} is not one of {statuses:?}."));
        }
        Some(status) if kind == FaultKind::WebhookDown && !(300..=599).contains(&status) => {
            return unfit(format!(
                "The status {status} does not say that an event was not taken. Give one of 300 to 599."
            ));
        }
        Some(status) if kind == FaultKind::MailDown && !(400..=599).contains(&status) => {
            return unfit(format!(
                "The status {status} is none by which a mail server refuses. Give one of 400 to 599."
            ));
        }
        _ => {}
    }
    if fault.status.is_some() && fault.failure.is_some() {
        return unfit("With a failure there is no answer, and so no status. Give one of the two.".to_owned());
    }
    match (kind, fault.factor, fault.milliseconds) {
        (FaultKind::Slow, None, _) => return unfit("The factor is missing. Give one, such as 3.".to_owned()),
        (FaultKind::Slow, Some(factor), _) if !(1.0..=LARGEST_FACTOR).contains(&factor) => {
            return unfit(format!("The factor {factor} is not between 1 and {LARGEST_FACTOR}."));
        }
        (FaultKind::SlowAnswer, _, None) => return unfit("Give the milliseconds.".to_owned()),
        (FaultKind::SlowAnswer, _, Some(wait)) if wait > LATEST => {
            return unfit(format!("{wait} milliseconds are too many. Give {LATEST} at most."));
        }
        _ => {}
    }
    let texts =
        [&fault.step, &fault.offer, &fault.path, &fault.url, &fault.to, &fault.code, &fault.message, &fault.fix];
    if texts.into_iter().flatten().any(|text| text.is_empty() || text.len() > LONGEST) {
        return unfit(format!("A text is empty, or longer than {LONGEST} bytes. Leave it out, or make it shorter."));
    }
    if let Some(path) = fault.path.as_ref().filter(|path| !path.starts_with('/')) {
        return unfit(format!("The path {path:?} does not begin with a slash. Write it like /api/publishers."));
    }
    if let Some(target) = fault.target.as_ref().filter(|target| !target.starts_with('/')) {
        return unfit(format!("The target {target:?} is no JSON pointer. Write it like /definition/displayText."));
    }
    Ok(())
}

/// The members that a fault has, spelled as on the wire.
fn given(fault: &NewFault) -> Vec<&'static str> {
    let all = [
        ("step", fault.step.is_some()),
        ("offer", fault.offer.is_some()),
        ("method", fault.method.is_some()),
        ("path", fault.path.is_some()),
        ("url", fault.url.is_some()),
        ("to", fault.to.is_some()),
        ("times", fault.times.is_some()),
        ("after", fault.after.is_some()),
        ("until", fault.until.is_some()),
        ("code", fault.code.is_some()),
        ("message", fault.message.is_some()),
        ("target", fault.target.is_some()),
        ("fix", fault.fix.is_some()),
        ("factor", fault.factor.is_some()),
        ("status", fault.status.is_some()),
        ("retryAfter", fault.retry_after.is_some()),
        ("milliseconds", fault.milliseconds.is_some()),
        ("failure", fault.failure.is_some()),
    ];
    all.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{judge, members};
    use api::emulator::{FaultKind, NewFault};

    fn read(text: &str) -> NewFault {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_a_kind_does_not_have_is_refused_with_what_it_has() {
        for (text, mend) in [
            (r#"{"kind":"reject","path":"/api/"}"#, "has no member path. It may have step, offer"),
            (r#"{"kind":"mail-down","step":"live"}"#, "has no member step"),
            (r#"{"kind":"api-error","status":404}"#, "not one of [429, 500, 503]"),
            (r#"{"kind":"conflict","status":429}"#, "not one of [409, 412]"),
            (r#"{"kind":"webhook-down","status":204}"#, "Give one of 300 to 599"),
            (r#"{"kind":"webhook-down","status":500,"failure":"refused"}"#, "Give one of the two"),
            (r#"{"kind":"mail-down","status":250}"#, "Give one of 400 to 599"),
            (r#"{"kind":"slow"}"#, "The factor is missing"),
            (r#"{"kind":"slow","factor":0.5}"#, "not between 1 and"),
            (r#"{"kind":"slow-answer"}"#, "Give the milliseconds"),
            (r#"{"kind":"slow-answer","milliseconds":600001}"#, "Give 600000 at most"),
            (r#"{"kind":"block","code":""}"#, "A text is empty"),
            (r#"{"kind":"block","target":"definition"}"#, "no JSON pointer"),
            (r#"{"kind":"unauthorized","path":"api"}"#, "begin with a slash"),
        ] {
            let fault = judge(&read(text)).unwrap_err().to_string();
            assert!(fault.contains(mend), "{text}: {fault}");
        }
    }

    #[test]
    fn every_kind_is_called_on_the_wire_what_it_is_called_here() {
        for kind in FaultKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert!(!members(kind).is_empty());
        }
    }
}
