# The history of an offer's submissions, and the page of one.
submissions-title = Submissions
submissions-none-words = Each way from the draft to the preview, and from there to customers, will be kept here with its steps and what they said.
submissions-count = { $count ->
    [one] { $count } submission
   *[other] { $count } submissions
}
submissions-number = Submission
submissions-purpose = Went
submissions-version = Version
submissions-by = Submitted by
submissions-started = Started
submissions-took = Took
submissions-changes = Changes
submissions-since = since version { $version }
submission-title = Submission { $number }
submission-open = It is still on its way.
submission-status = See where the offer stands
submission-frozen = It has ended, and stays as it is here.
submission-at-sign-off = It came as far as the preview. The way from there to customers is a submission of its own.
submission-neighbours = Submissions before and after
submission-older = Before:
submission-newer = After:
submission-changed = Last changed
submission-none-title = There is no such submission
submission-none = { $count ->
    [0] This offer was never submitted.
    [one] This offer has one submission, which is number 1.
   *[other] The submissions of this offer are numbered from 1 to { $count }.
}
