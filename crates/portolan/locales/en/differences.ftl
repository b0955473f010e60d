# What is different between two versions of an offer.
diff-title = Differences
diff-title-of = { $count ->
    [one] { $count } change: { $from } → { $to }
   *[other] { $count } changes: { $from } → { $to }
}
diff-form = What to compare
diff-from = Compare
diff-to = with
diff-compare = Compare
diff-live = live (version { $version })
diff-live-none = live (nothing yet)
diff-preview = preview (version { $version })
diff-preview-none = preview (nothing now)
diff-draft = draft
diff-version = version { $version }
diff-unknown = something else
diff-no-live = Nothing is live yet, so there is nothing to compare with. Choose another version.
diff-no-preview = Nothing is in preview now. Choose another version.
diff-no-version = No version { $version } of this offer was published. Choose another one.
diff-no-such = One of the two is not there. Choose live, preview, draft or the number of a published version.
diff-nothing = Nothing is different between the two.
diff-counts = { $changed } changed, { $added } added, { $removed } removed.
diff-patch = Get it as JSON Patch, without secrets
diff-review-none = No person reviews offers of this type: checks alone decide.
diff-review-always = Reviewers look at every submission of this type as a whole, whichever field was changed: { $steps }.
diff-review-on-change = Reviewers look again once anything in the definition or its files is different from what they approved, whichever field it is: { $steps }. Secrets are not shown to them.
diff-changed = changed
diff-added = added
diff-removed = removed
diff-gone = removed:
diff-new = added:
diff-left = … and more
diff-left-characters = { $count ->
    [one] … { $count } character …
   *[other] … { $count } characters …
}
diff-secret = It is a secret, and not shown.
diff-edit = Edit this field
