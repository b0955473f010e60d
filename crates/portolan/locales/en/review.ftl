# The page of one review.
review-submission = submission { $number }
review-you-hold = You hold this review until
review-holds = holds this review until
review-free = Nobody has this in hand.
review-claim = Claim for 30 minutes
review-longer = Hold 30 minutes longer
review-release = Release
review-release-another = Release it for them
review-held-by-another = Somebody else has this in hand. You can decide when they release it, or when their time is over.
review-approved-already = You have approved this already: another reviewer has to approve it too.
review-new = { $count ->
    [one] New offer, { $count } field
   *[other] New offer, { $count } fields
}
review-changed = { $count ->
    [0] No field differs from what is live
    [one] { $count } field to look at
   *[other] { $count } fields to look at
}
review-more = { $count ->
    [one] { $count } more field is not shown here.
   *[other] { $count } more fields are not shown here.
}
review-secret = A secret or a signed address: changed, and not shown.
review-before = before:{" "}
review-after = after:{" "}
review-checks = Checks of this step
review-artifacts = { $count ->
    [one] { $count } file
   *[other] { $count } files
}
review-bytes = { $bytes ->
    [one] { $bytes } byte
   *[other] { $bytes } bytes
}
review-earlier = Earlier submissions that failed
review-notes = Notes
review-no-notes = Nobody has noted anything yet.
review-note-internal = for reviewers alone
review-note-public = the publisher reads it too
review-note = Write something down
review-note-publish = The publisher reads it too
review-add-note = Add the note
review-decision = Decision
review-decided = Nothing waits for a decision here.
review-decided-by = Approved by { $who }
review-approve = Approve
review-approve-then = Moves on to { $step }.
review-approve-then-another = Another reviewer has to approve it too.
review-approve-then-others = The step goes on once its other checks are done too.
review-approve-ends = Ends this submission well.
review-approve-number = Approve submission { $number }
review-unblock = Unblock
review-unblock-then = What blocked the step is mended: it goes on from its beginning.
review-unblock-number = Unblock submission { $number }
review-reject = Reject
review-reject-or-block = Reject or block
review-reject-then = A reject ends the submission: the publisher mends the fields and publishes again.
review-block-then = A block pauses it here until something is mended that needs no other version.
review-message = Message to the publisher
review-message-hint = Say what is wrong, where, and what to do. They see exactly this text.
review-message-needed = Write the message first: the publisher will read it.
review-mend = What to do about it
review-optional = may be left out
review-field = Field it belongs to
review-preview = Preview
review-preview-title = What the publisher will see
review-reject-number = Reject submission { $number }
review-block-number = Block submission { $number }
