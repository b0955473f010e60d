# The page of an offer, its steps and its submissions.
status-next = What happens next
status-steps = Publishing steps
status-no-steps = This type of offer is not there any more. Ask the marketplace's operator.
status-details = Details
status-version = version { $version }
status-changed = changed
status-usually = It usually ends between { $from } and { $to }, as { $samples } earlier runs did.
status-no-history = There is not enough history yet to say when it usually ends.
status-documented = As documented:
status-live = Live
status-preview = Preview
status-submitted = Submitted
status-changes = changes
status-draft = Draft
status-saved = saved
status-draft-newer = newer than what was submitted
status-told = Told
status-nobody = nobody by this submission
status-operation = Operation
status-same = The same, from a terminal or a build service
status-document = Answer of the API
status-submissions = Submissions
status-no-submissions = There are none yet.
status-all-submissions = All submissions
submission-publish = to the preview
submission-go-live = to customers
submission-number = No. { $number }
next-stays = Version { $version } stays live.
deed-publish = Publish the draft…
deed-edit = Edit the draft
deed-cancel = Cancel the submission…
deed-differences = See what changes
deed-go-live = Go live…
deed-mend = { $errors ->
    [one] Open the field
   *[other] Open the { $errors } fields
}
message-field = Field
message-rule = Rule
step-took = took { $time }
step-usually = usually { $time } ({ $samples } earlier)
step-documented = documented
step-since = since
step-progress = Finished checks
step-checks = { $done } of { $all } checks
step-messages = { $count ->
    [one] { $count } message
   *[other] { $count } messages
}
next-to-publisher = This is what the publisher is told.
level-said = { $level }:
