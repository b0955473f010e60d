# The queue of reviews.
reviews-waiting = { $count ->
    [0] Nothing waits here
    [one] { $count } waits
   *[other] { $count } wait
}
reviews-count-late = { $count ->
    [0] none is late
    [one] { $count } is late
   *[other] { $count } are late
}
reviews-order = Late ones first, by the time that nine in ten earlier ones took at most
reviews-text = Name or id
reviews-step = Step
reviews-queue = Queue
reviews-held = Held by
reviews-anybody = Anybody or nobody
reviews-mine-or-free = You or nobody
reviews-mine = You
reviews-you = You
reviews-until = until
reviews-look-at = What to look at
reviews-since = Waiting
reviews-against = Against the usual time
reviews-late = Late
reviews-no-history = not enough history
reviews-new = New offer
reviews-fields = { $count ->
    [0] No changed field
    [one] { $count } changed field
   *[other] { $count } changed fields
}
reviews-approvals = { $given } of { $needed } approved
reviews-claim = Claim
reviews-own = Of a publisher that you belong to: another reviewer decides.
reviews-submitted = You submitted this: another reviewer decides.
reviews-none = Nothing waits for a reviewer.
reviews-none-words = What a reviewer has to decide will be listed here, with how long it has waited and who has it in hand.
reviews-none-fit = Nothing that waits fits.
reviews-all = All reviews
reviews-next = Next:
reviews-done-approve = approved. The publisher can see that.
reviews-done-reject = rejected. The publisher can read why, and is told as they wanted.
reviews-done-block = blocked. The publisher can read why, and is told as they wanted.
reviews-done-unblock = unblocked. The step goes on.
