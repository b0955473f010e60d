//! The picture of an offer for people: what it is, its steps, whose turn it is. Drawn from what is known, and nothing else.

use super::feed::Snapshot;
use super::goal::is_sign_off;
use super::spelling::{Line, count, symbol, word};
use crate::cli::moments::minute;
use crate::cli::spans::{between, range, told};
use crate::cli::terminal::{Look, Paint, padded, width};
use crate::cli::words::{paint as paint_of, within};
use api::dates::Date;
use api::explain::Explanation;
use api::state::{State, Tone, at_hand};
use api::status::{MessageLevel, OfferStatus, StatusDocument, Step, StepStatus};

/// No line is wider, however wide the terminal is.
const WIDEST: usize = 160;

/// Where the text of a message begins.
const MESSAGE: usize = 15;

/// The columns of a bar.
const BAR: usize = 10;

/// A time that has gone by is told up to so many days: what took longer was on another clock.
const LONGEST: i64 = 60 * 86400;

/// What an offer is.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Title {
    /// Its name for people; empty where it has none.
    pub(in crate::cli) name: String,
    /// Its id.
    pub(in crate::cli) offer: String,
    /// What else there is to say: its type, its version.
    pub(in crate::cli) about: Vec<String>,
}

/// Where and when it is shown.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Frame {
    /// What it can show.
    pub(in crate::cli) look: Look,
    /// The columns there are.
    pub(in crate::cli) columns: usize,
    /// The lines there are, where the picture must not be longer: then it has no messages.
    pub(in crate::cli) rows: Option<usize>,
    /// The time, where the server's clock is ours.
    pub(in crate::cli) now: Option<Date>,
}

/// The picture: a head, a line for each step, and two or fewer for whose turn it is.
pub(in crate::cli) fn picture(title: &Title, snapshot: &Snapshot, frame: Frame) -> Vec<Line> {
    let columns = frame.columns.min(WIDEST);
    let Snapshot { document, explanation, .. } = snapshot;
    let words = words(document, explanation.as_ref());
    let mut lines = vec![head(title, document, columns, frame.look)];
    let names = document.steps.iter().map(|step| width(&step.step_name)).max().unwrap_or_default();
    let names = if frame.look.is_terminal { names.min(columns * 2 / 5) } else { names };
    // Two lines are kept free: the cursor's, and what is told below.
    let room = frame.rows.map(|rows| rows.saturating_sub(lines.len() + words.len() + 2));
    for group in folded(&document.steps, room) {
        match group {
            Group::One(step) => {
                lines.push(step_line(step, explanation.as_ref(), names, frame));
                if frame.rows.is_none() {
                    lines.extend(messages(step).into_iter().flat_map(|line| line.wrapped(columns, MESSAGE)));
                }
            }
            Group::Many(status, many) => {
                let (symbol, paint) = symbol(status, frame.look);
                lines.push(Line::of("  ").painted(paint, symbol).and(&format!(" {many} more steps")));
            }
        }
    }
    lines.extend(document.messages.iter().map(|message| Line::of(&message.text)));
    match frame.rows {
        Some(_) => lines.extend(words),
        None => lines.extend(words.into_iter().flat_map(|line| line.wrapped(columns, 0))),
    }
    match frame.look.is_terminal {
        true => lines.into_iter().map(|line| line.cut(columns, frame.look)).collect(),
        false => lines,
    }
}

/// Whose turn it is, and what comes next: as the server says it, or what a server of the original API lets us know.
fn words(document: &StatusDocument, explanation: Option<&Explanation>) -> Vec<Line> {
    if let Some(explanation) = explanation {
        return vec![Line::of(&explanation.headline), Line::of(&explanation.next)];
    }
    let step = at_hand(&document.steps);
    let at = step.map_or_else(String::new, |step| format!(" at {}", step.step_name));
    vec![Line::of(&match document.status {
        OfferStatus::Running => match step.map(|step| step.status) {
            Some(StepStatus::Blocked) => format!("Blocked{at}: read its messages."),
            Some(StepStatus::WaitingForApproval) => format!("A reviewer decides{at}."),
            _ => format!("Running{at}."),
        },
        OfferStatus::WaitingForPublisherReview => "The preview is ready: look at it, then go live.".to_owned(),
        OfferStatus::Succeeded | OfferStatus::Complete => "It is live.".to_owned(),
        OfferStatus::Failed => format!("Failed{at}: mend what its messages name, then publish again."),
        OfferStatus::Canceled => "The submission was canceled.".to_owned(),
        OfferStatus::NotStarted => "The draft was saved since the last submission ended.".to_owned(),
        OfferStatus::NeverPublished => "It was never published.".to_owned(),
    })]
}

/// What it is to the left, and where it stands to the right. Where both have no room, what it is gets shorter.
fn head(title: &Title, document: &StatusDocument, columns: usize, look: Look) -> Line {
    let state = State::of_document(document);
    let (state, paint) = (state.words().to_uppercase(), paint_of(state));
    let dot = if look.symbols { " · " } else { " - " };
    let about: Vec<&str> = [title.offer.as_str()].into_iter().chain(title.about.iter().map(String::as_str)).collect();
    let name = if title.name.is_empty() {
        Line::default()
    } else {
        Line::default().painted(Paint::Strong, &title.name).and("  ")
    };
    let left = name.and(&about.join(dot));
    let room = columns.saturating_sub(width(&state) + 2);
    let left = if look.is_terminal { left.cut(room, look) } else { left };
    let gap = " ".repeat(columns.saturating_sub(left.width() + width(&state)).max(2));
    left.and(&gap).painted(paint, &state)
}

/// The steps of a picture.
#[derive(Debug, PartialEq, Eq)]
enum Group<'a> {
    One(&'a Step),
    /// So many that stand alike.
    Many(StepStatus, usize),
}

/// The steps, where there is no room for all with those together that are done, and then those that have not begun.
fn folded(steps: &[Step], room: Option<usize>) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = steps.iter().map(Group::One).collect();
    for status in [StepStatus::Complete, StepStatus::NotStarted] {
        if room.is_none_or(|room| groups.len() <= room.max(1)) {
            break;
        }
        let alike = |group: &Group<'_>| matches!(group, Group::One(step) if step.status == status);
        let many = groups.iter().filter(|group| alike(group)).count();
        if let (true, Some(at)) = (many > 1, groups.iter().position(alike)) {
            groups.retain(|group| !alike(group));
            groups.insert(at.min(groups.len()), Group::Many(status, many));
        }
    }
    if let Some(room) = room.filter(|room| groups.len() > *room) {
        groups.retain(|group| matches!(group, Group::One(_)));
        groups.truncate(room.max(1));
    }
    groups
}

fn step_line(step: &Step, explanation: Option<&Explanation>, names: usize, frame: Frame) -> Line {
    let (symbol, paint) = symbol(step.status, frame.look);
    let name = Line::of(&step.step_name).cut(names.max(1), frame.look).plain();
    let mut line = Line::of("  ").painted(paint, symbol).and(" ").and(&padded(&name, names)).and("  ");
    // A share of nothing counted is none.
    if step.status == StepStatus::InProgress && step.progress_percentage > 0 {
        let done = usize::from(step.progress_percentage) * BAR / 100;
        let bar =
            format!("[{}{}] {}%  ", "=".repeat(done), " ".repeat(BAR.saturating_sub(done)), step.progress_percentage);
        line = line.painted(Paint::Going, &bar);
    }
    let dot = if frame.look.symbols { " · " } else { ", " };
    let counted = count(step);
    let mut said = said_of(step, explanation, frame);
    said.extend((!counted.is_empty()).then_some(counted));
    let room = frame.columns.min(WIDEST).saturating_sub(line.width());
    while frame.look.is_terminal && said.len() > 1 && width(&said.join(dot)) > room {
        said.pop();
    }
    let said = said.join(dot);
    let state = State::of_step(step.status);
    match state.tone() {
        Tone::Bad | Tone::Waiting => line.painted(paint_of(state), &said),
        Tone::Going => line.and(&said),
        // What is over or has not begun matters less than what goes on.
        Tone::Neutral | Tone::Good => line.painted(Paint::Faint, &said),
    }
}

/// What there is to say about a step, in short.
fn said_of(step: &Step, explanation: Option<&Explanation>, frame: Frame) -> Vec<String> {
    let dash = if frame.look.symbols { "–" } else { "-" };
    let usual = match (&step.usual_duration, &step.estimated_time_frame) {
        (Some(usual), _) => {
            let range = range(usual.low_seconds, usual.high_seconds, dash);
            Some(format!("usually {range} ({} earlier)", usual.samples))
        }
        (None, Some(estimate)) if !estimate.is_empty() => Some(format!("usually {estimate}")),
        (None, _) => None,
    };
    let since = step.since.or_else(|| {
        explanation.filter(|said| said.step.as_ref().is_some_and(|at| at.id == step.id)).map(|said| said.since)
    });
    let so_far = since.map(|since| match frame.now.map(|now| between(since, now)) {
        Some(seconds @ 0..LONGEST) => format!("{} so far", told(seconds)),
        _ => format!("since {}", minute(since)),
    });
    let word = within(State::of_step(step.status));
    match step.status {
        StepStatus::NotStarted if is_sign_off(step) => vec!["you".to_owned()],
        StepStatus::NotStarted => usual.into_iter().collect(),
        StepStatus::InProgress => so_far.into_iter().chain(usual).collect(),
        StepStatus::WaitingForApproval => [word].into_iter().chain(so_far).chain(usual).collect(),
        StepStatus::WaitingForPublisherReview | StepStatus::Blocked => [word].into_iter().chain(so_far).collect(),
        StepStatus::Rejected | StepStatus::Canceled | StepStatus::Complete => vec![word],
    }
}

/// The warnings and errors of a step that is not done.
fn messages(step: &Step) -> Vec<Line> {
    if step.status == StepStatus::Complete {
        return Vec::new();
    }
    let told = step.messages.iter().filter(|message| message.level != MessageLevel::Information);
    told.map(|message| {
        let paint = if message.level == MessageLevel::Error { Paint::Bad } else { Paint::Warning };
        let line = Line::of("      ").painted(paint, &padded(&word(&message.level), 7)).and("  ").and(&message.text);
        let mend = message.mend.iter().fold(line, |line, mend| line.and(&format!("  fix: {mend}")));
        message.code.iter().fold(mend, |line, code| line.painted(Paint::Faint, &format!("  {code}")))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{Frame, Title, paint_of, picture, within};
    use crate::cli::follow::feed::Snapshot;
    use crate::cli::terminal::Look;
    use api::dates::Date;
    use api::state::State;
    use api::status::StatusDocument;
    use serde_json::{Value, json};

    const PLAIN: Look = Look { is_terminal: true, colour: false, symbols: true };

    fn snapshot() -> Snapshot {
        let step = |id: &str, name: &str, status: &str, more: Value| {
            let mut step = json!({"id": id, "stepName": name, "status": status});
            step.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            step
        };
        let usual = json!({"medianSeconds": 9000, "lowSeconds": 32400, "highSeconds": 108_000, "samples": 24});
        let warning = json!([{"messageHtml": "privacyURL redirects <b>twice</b>", "level": "warning",
            "timestamp": "2026-11-22T09:50:00Z", "code": "URL-3XX", "mend": "Link to the page itself."}]);
        let document = json!({"status": "running", "steps": [
            step("displaydummycertify", "Validate Pre-Requisites", "complete", json!({"progressPercentage": 100})),
            step("displaycertify", "Certification", "inProgress",
                json!({"progressPercentage": 62, "since": "2026-11-22T09:41:00Z", "usualDuration": usual, "messages": warning})),
            step("displayprovision", "Provisioning", "notStarted", json!({"estimatedTimeFrame": "< 1 day"})),
            step("publisher-signoff", "Publisher signoff", "notStarted", json!({})),
            step("live", "Live", "notStarted", json!({"estimatedTimeFrame": "~2-5 days"})),
        ]});
        let mut read = serde_json::from_value(document).unwrap();
        crate::cli::follow::spelling::readable(&mut read);
        Snapshot { at: None, is_fresh: false, wire: String::new(), document: read, explanation: None }
    }

    fn drawn(look: Look, columns: usize, rows: Option<usize>) -> String {
        let title = Title {
            name: "Contoso Web Gateway".into(),
            offer: "web-gateway".into(),
            about: vec!["Virtual machine".into(), "version 7".into()],
        };
        let now = Date::parse("2026-11-22T14:05:00Z");
        let lines = picture(&title, &snapshot(), Frame { look, columns, rows, now });
        lines.iter().map(|line| line.told(look) + "\n").collect()
    }

    #[test]
    fn a_picture_for_people() {
        let expected = "\
Contoso Web Gateway  web-gateway · Virtual machine · version 7                             RUNNING
  ✓ Validate Pre-Requisites  done
  ▸ Certification            [======    ] 62%  4 h 24 min so far
      warning  privacyURL redirects twice  fix: Link to the page itself.  URL-3XX
  · Provisioning             usually < 1 day
  · Publisher signoff        you
  · Live                     usually ~2-5 days
Running at Certification.
";
        assert_eq!(drawn(PLAIN, 98, None), expected);
    }

    #[test]
    fn a_picture_says_the_state_of_the_document_and_of_each_step() {
        const OFFERS: [&str; 8] = [
            "neverPublished",
            "notStarted",
            "waitingForPublisherReview",
            "running",
            "succeeded",
            "complete",
            "canceled",
            "failed",
        ];
        const STEPS: [&str; 8] = [
            "notStarted",
            "inProgress",
            "waitingForPublisherReview",
            "waitingForApproval",
            "blocked",
            "rejected",
            "complete",
            "canceled",
        ];
        for (offer, step) in OFFERS.iter().flat_map(|offer| STEPS.map(|step| (*offer, step))) {
            let document = json!({"status": offer, "steps": [{"id": "a", "stepName": "Look", "status": step}]});
            let document: StatusDocument = serde_json::from_value(document).unwrap();
            let (whole, part) = (State::of_document(&document), State::of_step(document.steps[0].status));
            let snapshot = Snapshot { document, ..snapshot() };
            let look = Look { colour: true, ..PLAIN };
            let frame = Frame { look, columns: 80, rows: None, now: None };
            let lines = picture(&Title::default(), &snapshot, frame);
            let word = look.paint(paint_of(whole), &whole.words().to_uppercase());
            assert!(lines[0].told(look).ends_with(&word), "{offer} {step}: {}", lines[0].told(look));
            let symbol = look.paint(paint_of(part), part.symbol().0);
            let told = lines[1].told(look);
            assert!(told.starts_with(&format!("  {symbol} Look")), "{told}");
            let is_named = !matches!(step, "notStarted" | "inProgress");
            assert_eq!(told.contains(&within(part)), is_named, "{told}");
        }
    }

    #[test]
    fn a_picture_in_a_small_terminal_without_symbols() {
        let look = Look { symbols: false, ..PLAIN };
        let expected = "\
Contoso Web Gateway  web-gateway - Virtual machin~  RUNNING
  + Validate Pre-Requisites  done
  > Certification            [======    ] 62%  4 h 24 min ~
  . 3 more steps
Running at Certification.
";
        assert_eq!(drawn(look, 59, Some(7)), expected);
        assert!(drawn(look, 59, Some(7)).is_ascii());
    }

    #[test]
    fn a_picture_has_four_lines_more_than_steps_and_none_too_wide() {
        for columns in [20, 40, 80, 200] {
            for rows in [6, 24, 50] {
                let text = drawn(PLAIN, columns, Some(rows));
                assert!(text.lines().count() <= 5 + 3 && text.lines().count() + 2 <= rows.max(6), "{rows}: {text}");
                assert!(text.lines().all(|line| crate::cli::terminal::width(line) <= columns), "{columns}: {text}");
            }
        }
    }
}
