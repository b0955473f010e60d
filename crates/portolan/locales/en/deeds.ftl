# The pages that say what follows before anything is done: publish, go live, cancel, roll back.
deed-follows = What follows
deed-steps = What is still to come
deed-leave = Leave everything as it is
deed-back = Back to the offer
deed-see = See what changes
deed-differ = { $count ->
    [0] Nothing in its definition is different from version { $live }, which is live.
    [one] { $count } field is different from version { $live }, which is live.
   *[other] { $count } fields are different from version { $live }, which is live.
}
deed-faults = { $count ->
    [one] It would be refused for { $count } fault
   *[other] It would be refused for { $count } faults
}
deed-not-now = This cannot be done now.
deed-not-yours = Your role at this publisher does not allow this. Ask an owner there to do it, or to give you a role that may.
deed-stale = Nothing was done: the offer has changed since this page was opened. Here is how it stands now. Look it over, then decide again.
deed-roll-back = Roll back…
publish-name = Publish the draft
publish-act = Publish draft as version { $version }
publish-becomes = The draft as it is now becomes version { $version }, and goes on its way to the preview. Changes that are saved later are not part of it.
publish-nothing-live = Nothing is live yet. Customers see nothing of this version until you go live with it.
publish-stays = Version { $live } stays live until you go live with this one.
publish-emails = Whom to tell (optional)
publish-emails-hint = Mail addresses with commas between them, at most 20. They are told how this submission comes out.
golive-name = Go live
golive-act = Go live with version { $version }
golive-first = Customers will see version { $version }. Nothing is live yet.
golive-replaces = Version { $version } replaces version { $live }, which is live and stays so until then.
golive-too-late = It can be canceled until the step { $step } begins, and not after that.
cancel-name = Cancel the submission
cancel-act = Cancel submission { $number }
cancel-at-once = The submission is canceled at once.
cancel-soon = The submission is canceled as soon as the check in hand lets go.
cancel-nothing-live = Nothing is live, and that stays so.
cancel-withdrawn = The preview of version { $version } is withdrawn.
cancel-kept = The preview of version { $version } stays.
cancel-draft = The draft is kept. It can be published again afterwards.
rollback-name = Roll back
rollback-act = Roll back to version { $version }
rollback-replaces = Version { $version } takes the place of version { $live } at once, without a submission and without a review: it was live before.
rollback-others = The draft, the preview and a submission on its way stay as they are.
rollback-again = Rolling back once more goes forward again.
rollback-nothing = No other version was live before.
rollback-going-live = Going live has begun. Wait until it ends; then you can roll back.
