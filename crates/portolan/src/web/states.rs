//! States on pages: the badge of each, in the reader's language. Which state something is in, and its tone, `api::state` decides.

use super::shell::Html;
use super::text::Text;
use api::state::{State, Tone};
use api::status::MessageLevel;

/// The class of a tone.
pub(super) const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Going => "going",
        Tone::Waiting => "waiting",
        Tone::Good => "good",
        Tone::Bad => "bad",
    }
}

/// What a state is called.
pub(super) fn words(t: Text, state: State) -> String {
    match state {
        State::NeverPublished => t.state_never_published(),
        State::NotStarted => t.state_not_started(),
        State::Running => t.state_running(),
        State::InProgress => t.state_in_progress(),
        State::WaitsForReviewer => t.state_waits_for_reviewer(),
        State::Blocked => t.state_blocked(),
        State::WaitsForGoLive => t.state_waits_for_go_live(),
        State::Live => t.state_live(),
        State::Done => t.state_done(),
        State::Failed => t.state_failed(),
        State::Canceled => t.state_canceled(),
    }
}

/// The picture of a tone, which says nothing that the words beside it do not say.
fn icon(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="3.5"/></svg>"#,
        Tone::Going => {
            r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M3.5 2v8L9 6z" fill="currentcolor"/></svg>"#
        }
        Tone::Waiting => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M4 2v8M8 2v8"/></svg>"#,
        Tone::Good => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2 6.5 5 9.5 10.5 2.5"/></svg>"#,
        Tone::Bad => r#"<svg viewBox="0 0 12 12" aria-hidden="true"><path d="M2.5 2.5l7 7M9.5 2.5l-7 7"/></svg>"#,
    }
}

/// A badge with words of our own.
pub(super) fn mark(tone: Tone, words: &str) -> Html {
    let words = words.replace('&', "&amp;").replace('<', "&lt;");
    Html(format!("<span class=\"badge {}\">{}<span>{words}</span></span>", class(tone), icon(tone)))
}

/// The badge of a state.
pub(super) fn badge(t: Text, state: State) -> Html {
    mark(state.tone(), &words(t, state))
}

/// What stands before a step.
pub(super) fn dot(state: State) -> Html {
    Html(format!("<span class=\"dot {}\">{}</span>", class(state.tone()), icon(state.tone())))
}

/// The tone of a message, and what its level is called.
pub(super) fn level(t: Text, level: MessageLevel) -> (&'static str, String) {
    match level {
        MessageLevel::Information => ("neutral", t.level_information()),
        MessageLevel::Warning => ("waiting", t.level_warning()),
        MessageLevel::Error => ("bad", t.level_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::words;
    use crate::web::text::Text;
    use api::state::State;

    #[test]
    fn pages_call_a_state_as_everything_else_does() {
        for state in State::ALL {
            assert_eq!(words(Text::default(), state), state.words());
        }
    }
}
