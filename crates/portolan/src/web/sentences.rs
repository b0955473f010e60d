//! Where an offer stands and what comes next, in the reader's language. What is so, the rules say (`publishing::sentence`).

use super::text::Text;
use publishing::explain::Then;
use publishing::sentence::{EndedAt, Headline, Next, Reviewers};

/// What is so.
pub(super) fn headline(t: Text, headline: &Headline) -> String {
    match headline {
        Headline::NothingPublished => t.so_nothing_published(),
        Headline::DraftSavedSince { version, canceled: true, at, live } => {
            t.so_canceled_saved_since(*version, ended(t, at)) + &stays(t, *live)
        }
        Headline::DraftSavedSince { version, canceled: false, at, live } => {
            t.so_failed_saved_since(*version, ended(t, at)) + &stays(t, *live)
        }
        Headline::PreviewReady { version } => t.so_preview_ready(*version),
        Headline::Live { version } => t.so_live(*version),
        Headline::RolledBack { live, version } => t.so_rolled_back(*live, *version),
        Headline::Failed { version, at, live } => t.so_failed(*version, ended(t, at)) + &stays(t, *live),
        Headline::Canceled { version, at, live } => t.so_canceled(*version, ended(t, at)) + &stays(t, *live),
        Headline::OnItsWay { version } => t.so_on_its_way(*version),
        Headline::CancelRequested => t.so_cancel_requested(),
        Headline::Blocked { step } => t.so_blocked(step),
        Headline::InReview { step, whom } => t.so_in_review(step, reviewers(t, whom)),
        Headline::WithOutsideSystem { step } => t.so_outside(step),
        Headline::InProgress { step } => t.so_in_progress(step),
        Headline::WaitsForItsTurn { step } => t.so_waits_for_turn(step),
        Headline::BeginsSoon { step } => t.so_begins_soon(step),
        Headline::Pauses { step } => t.so_pauses(step),
    }
}

/// What comes next.
pub(super) fn next(t: Text, next: &Next) -> String {
    match next {
        Next::PublishWhenComplete => t.next_publish_when_complete(),
        Next::PublishToStartAgain => t.next_publish_to_start_again(),
        Next::LookThenGoLive => t.next_look_then_go_live(),
        Next::PublishChangedDraft => t.next_publish_changed_draft(),
        Next::FixThenPublish { errors, at } => t.next_fix_then_publish((*errors).max(1), ended(t, at)),
        Next::PublishToGoOn => t.next_publish_to_go_on(),
        Next::NothingToDo => t.next_nothing(),
        Next::ServiceWorks => t.next_service_works(),
        Next::CheckLetsGo => t.next_check_lets_go(),
        Next::OutsideSystemAnswers => t.next_outside_answers(),
        Next::TimePasses => t.next_time_passes(),
        Next::ReviewerHasIt => t.next_reviewer_has_it(),
        Next::ReviewerDecides => t.next_reviewer_decides(),
        Next::MendForReviewer { errors, step, can_cancel: false } => t.next_mend_for_reviewer((*errors).max(1), step),
        Next::MendForReviewer { errors, step, can_cancel: true } => {
            t.next_mend_for_reviewer_or_cancel((*errors).max(1), step)
        }
        Next::MarketplaceUnblocks { errors, step, can_cancel } => {
            let mut said = t.next_marketplace_unblocks((*errors).max(1), step);
            if *can_cancel {
                said.push_str(&t.next_or_cancel());
            }
            said
        }
    }
}

/// What happens at a time that is known.
pub(super) fn then(t: Text, then: Then) -> String {
    match then {
        Then::AnswersBy => t.then_answers_by(),
        Then::GoesOn => t.then_goes_on(),
        Then::Begins => t.then_begins(),
        Then::IsLookedAtAgain => t.then_looked_at(),
    }
}

fn ended(t: Text, at: &EndedAt) -> String {
    at.0.clone().unwrap_or_else(|| t.so_the_end())
}

fn stays(t: Text, live: Option<i64>) -> String {
    live.map_or_else(String::new, |live| t.so_stays_live(live))
}

fn reviewers(t: Text, whom: &Reviewers) -> String {
    match whom {
        Reviewers::Usual { second: false } => t.whom_reviewer(),
        Reviewers::Usual { second: true } => t.whom_second_reviewer(),
        Reviewers::Queue { queue, second: false } => t.whom_reviewer_in(queue),
        Reviewers::Queue { queue, second: true } => t.whom_second_reviewer_in(queue),
        Reviewers::Queues(queues) => t.whom_reviewers_in(queues.join(&t.whom_and())),
    }
}

#[cfg(test)]
mod tests {
    use super::{headline, next, then};
    use crate::web::text::{Language, Text};
    use publishing::explain::Then;
    use publishing::sentence::{EndedAt, Headline, Next, Reviewers};

    fn step() -> String {
        "Certification".to_owned()
    }

    fn headlines() -> Vec<Headline> {
        let whom = [
            Reviewers::Usual { second: false },
            Reviewers::Usual { second: true },
            Reviewers::Queue { queue: "legal".into(), second: false },
            Reviewers::Queue { queue: "legal".into(), second: true },
            Reviewers::Queues(vec!["legal".into(), "content".into()]),
        ];
        let mut all = vec![
            Headline::NothingPublished,
            Headline::PreviewReady { version: 7 },
            Headline::Live { version: 7 },
            Headline::RolledBack { live: 6, version: 7 },
            Headline::OnItsWay { version: 7 },
            Headline::CancelRequested,
            Headline::Blocked { step: step() },
            Headline::WithOutsideSystem { step: step() },
            Headline::InProgress { step: step() },
            Headline::WaitsForItsTurn { step: step() },
            Headline::BeginsSoon { step: step() },
            Headline::Pauses { step: step() },
        ];
        all.extend(whom.into_iter().map(|whom| Headline::InReview { step: step(), whom }));
        for (at, live) in [(EndedAt(Some(step())), None), (EndedAt(None), Some(6))] {
            all.push(Headline::Failed { version: 7, at: at.clone(), live });
            all.push(Headline::Canceled { version: 7, at: at.clone(), live });
            for canceled in [true, false] {
                all.push(Headline::DraftSavedSince { version: 7, canceled, at: at.clone(), live });
            }
        }
        all
    }

    fn nexts() -> Vec<Next> {
        let mut all = vec![
            Next::PublishWhenComplete,
            Next::PublishToStartAgain,
            Next::LookThenGoLive,
            Next::PublishChangedDraft,
            Next::PublishToGoOn,
            Next::NothingToDo,
            Next::ServiceWorks,
            Next::CheckLetsGo,
            Next::OutsideSystemAnswers,
            Next::TimePasses,
            Next::ReviewerHasIt,
            Next::ReviewerDecides,
        ];
        for errors in [0, 1, 2, 21] {
            all.push(Next::FixThenPublish { errors, at: EndedAt(Some(step())) });
            for can_cancel in [true, false] {
                all.push(Next::MendForReviewer { errors, step: step(), can_cancel });
                all.push(Next::MarketplaceUnblocks { errors, step: step(), can_cancel });
            }
        }
        all
    }

    #[test]
    fn pages_say_what_mails_and_the_command_line_say() {
        let bare = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
        let t = Text::default();
        for sentence in headlines() {
            assert_eq!(bare(headline(t, &sentence)), sentence.to_string());
        }
        for sentence in nexts() {
            assert_eq!(bare(next(t, &sentence)), sentence.to_string());
        }
        for time in [Then::AnswersBy, Then::GoesOn, Then::Begins, Then::IsLookedAtAgain] {
            assert_eq!(then(t, time), format!("It {}", time.words()));
        }
    }

    #[test]
    fn every_sentence_is_there_in_chinese() {
        let t = Text { language: Language::Chinese };
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for sentence in headlines() {
            assert!(is_chinese(&headline(t, &sentence)), "{sentence:?}");
        }
        for sentence in nexts() {
            assert!(is_chinese(&next(t, &sentence)), "{sentence:?}");
        }
    }
}
