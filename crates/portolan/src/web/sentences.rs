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
