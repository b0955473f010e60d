# The audit.
audit-marketplace = The marketplace
audit-lines = JSON lines
audit-no-file = These entries could not be written to a file. Look at the filter on the page of the audit, and try again.
audit-of = Of
audit-who = Who
audit-offer = Offer
audit-event = Event
audit-since = From
audit-none = No entry fits. Everything that is done to offers, members and secrets will be listed here.
audit-newest = Newest first
audit-when = When
audit-what = What
audit-entry = Entry
audit-older = Older entries
audit-chain = Each entry bears a hash over all entries before it; the page shows its beginning, and the files all of it.
