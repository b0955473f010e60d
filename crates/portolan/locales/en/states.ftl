# What a state is called, and the sentences that say what is so and what comes next.
state-never-published = Never published
state-not-started = Not started
state-running = Running
state-in-progress = In progress
state-waits-for-reviewer = Waits for a reviewer
state-blocked = Blocked
state-waits-for-go-live = Waits for your go live
state-live = Live
state-done = Done
state-failed = Failed
state-canceled = Canceled
level-information = Information
level-warning = Warning
level-error = Error
so-the-end = the end
so-stays-live = { " " }Version { $version } stays live.
so-nothing-published = Nothing has been published yet.
so-failed-saved-since = Version { $version } failed at { $at }, and the draft was saved after that.
so-canceled-saved-since = Version { $version } was canceled at { $at }, and the draft was saved after that.
so-preview-ready = The preview of version { $version } is ready.
so-live = Version { $version } is live.
so-rolled-back = Version { $live } is live: version { $version } was rolled back.
so-failed = Version { $version } failed at { $at }.
so-canceled = Version { $version } was canceled at { $at }.
so-on-its-way = Version { $version } is on its way.
so-cancel-requested = A cancel was asked for.
so-blocked = { $step } is blocked.
so-in-review = { $step } waits for { $whom }.
so-outside = { $step } waits for a system outside the marketplace.
so-in-progress = { $step } is in progress.
so-waits-for-turn = { $step } waits for its turn.
so-begins-soon = { $step } begins in a moment.
so-pauses = { $step } waits for a time to pass.
whom-reviewer = a reviewer
whom-second-reviewer = a second reviewer
whom-reviewer-in = a reviewer in the queue { $queue }
whom-second-reviewer-in = a second reviewer in the queue { $queue }
whom-reviewers-in = reviewers in the queues { $queues }
whom-and = { " and " }
next-publish-when-complete = Your turn: publish the draft when it is complete.
next-publish-to-start-again = Your turn: publish the draft to start again.
next-look-then-go-live = Your turn: look at the preview, then go live.
next-publish-changed-draft = Nothing to do. To change what is live, publish a changed draft.
next-fix-then-publish = { $errors ->
    [1] Your turn. Fix the error at { $at }, then publish again.
   *[other] Your turn. Fix the { $errors } errors at { $at }, then publish again.
}
next-publish-to-go-on = Publish again when you want to go on. The draft is kept.
next-nothing = Nothing to do.
next-service-works = Nothing to do: the service works on by itself.
next-check-lets-go = Nothing to do: the submission is canceled as soon as the check in hand lets go.
next-outside-answers = Nothing to do: it goes on when that system has answered.
next-time-passes = Nothing to do: it goes on by itself after that.
next-reviewer-has-it = Nothing to do: a reviewer has it in hand.
next-reviewer-decides = Nothing to do: a reviewer decides.
next-mend-for-reviewer = { $errors ->
    [1] Your turn: mend 1 error at { $step }; a reviewer unblocks it then.
   *[other] Your turn: mend { $errors } errors at { $step }; a reviewer unblocks it then.
}
next-mend-for-reviewer-or-cancel = { $errors ->
    [1] Your turn: mend 1 error at { $step }; a reviewer unblocks it then, or cancel and publish again.
   *[other] Your turn: mend { $errors } errors at { $step }; a reviewer unblocks it then, or cancel and publish again.
}
next-marketplace-unblocks = { $errors ->
    [1] Blocked at { $step }: once the error is mended, the marketplace has to unblock it.
   *[other] Blocked at { $step }: once the { $errors } errors are mended, the marketplace has to unblock it.
}
next-or-cancel = { " " }If the draft has to change for that, cancel and publish again.
then-answers-by = It has to answer by
then-goes-on = It goes on at
then-begins = It begins at
then-looked-at = It is looked at again at
