# The editor of an offer's draft.
edit-title = Edit the draft
edit-saved = The draft is saved.
edit-saved-words = Customers see nothing of it before it is published and goes live.
edit-check = Check it
edit-back = Back to the offer
edit-sound = A publish would find no fault in the draft.
edit-faults = { $count ->
    [one] There is { $count } fault
   *[other] There are { $count } faults
}
edit-lost-secrets = The secrets you have typed are not saved yet, and pages never send them back. Type them again just before you save.
edit-read-only = You can read this draft, and not change it. Owners and contributors of the publisher can.
edit-definition = The whole definition
edit-clash = Somebody has changed the offer meanwhile
edit-clash-words = Your changes are still here, and nothing of them is saved. Look at the difference, then save over what is there, or begin again with it.
edit-difference = See the difference
edit-differences = { $count ->
    [one] { $count } difference
   *[other] { $count } differences
}
edit-theirs = Saved
edit-yours = Yours
edit-over = Save over it
edit-discard = Drop my changes and begin again
edit-save = Save the draft
edit-as-json = Edit as JSON
edit-as-form = Edit as a form
edit-json-hint = It is saved as you type it.
edit-item = No. { $number }
edit-remove = Remove
edit-missing = Missing:
edit-add-field = Add a field
edit-add-named = Add a member with the name
edit-add = Add
edit-add-item = Add an entry
edit-required = needed to publish
edit-lines = One on each line.
edit-json = As JSON.
edit-told = From the last submission:
edit-secret-kept = One is kept, and not shown. Leave the field empty to keep it.
edit-secret-none = None is kept. What you type is never shown again.
edit-secret-forget = Forget the one that is kept
edit-no-number = This is not a number. Write it like 12 or 0.5.
edit-no-json = This is not JSON. Correct it, or remove it.
edit-broken = The form broke on its way. Open the editor again.
