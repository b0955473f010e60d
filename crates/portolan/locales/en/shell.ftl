# What stands around every page, and what is said everywhere.
nav-offers = Offers
nav-reviews = Reviews
nav-access = Access
nav-notifications = Notifications
nav-audit = Audit
nav-emulator = Emulator
nav-reference = API
shell-skip = Skip to the content
shell-rooms = Pages
shell-sign-out = Sign out
shell-display = Language and theme
shell-zone-own = Times are in your zone
shell-zone-utc = Times are in UTC
banner-name = Emulator
banner-time = its clock shows
banner-frozen = frozen
banner-speed = running at ×{ $speed }
banner-words = Nothing here reaches a real marketplace.
banner-panel = Control panel
display-title = Language and theme
display-language = Language
display-language-auto = As the browser wants
display-theme = Theme
display-theme-system = As the system is
display-theme-light = Light
display-theme-dark = Dark
display-zone = Times
display-zone-own = In my time zone
display-save = Keep this
display-no-language = There is no such language here. Choose one of those on the page.
fault-title = That did not work
fault-home = Go to the front page
fault-not-now = The service cannot do this just now. Try again in a moment.
fault-lost-title = There is nothing here
fault-lost = No page has this address. It may have a mistake in it, or what was here is gone.
fault-request = Request
ago-now = just now
ago-minutes = { $n ->
    [one] { $n } minute ago
   *[other] { $n } minutes ago
}
ago-hours = { $n ->
    [one] { $n } hour ago
   *[other] { $n } hours ago
}
ago-days = { $n ->
    [one] { $n } day ago
   *[other] { $n } days ago
}
in-minutes = { $n ->
    [one] in { $n } minute
   *[other] in { $n } minutes
}
in-hours = { $n ->
    [one] in { $n } hour
   *[other] in { $n } hours
}
in-days = { $n ->
    [one] in { $n } day
   *[other] in { $n } days
}
span-days = { $n } d
span-hours = { $n } h
span-minutes = { $n } min
span-seconds = { $n } s
link-unknown = This link signs nobody in. It is good only as long as the program runs that printed it. Look for a newer one where it was started.
shell-crumbs = Where this page is
shell-copy = Copy
shell-copied = Copied.
at-all-offers = All offers
at-no-offer-title = There is no such offer
at-no-offer = There is none at this address that you may read. The address may have a mistake in it, or you have no role at its publisher: ask an owner there to add you.
at-no-publisher-title = There is no such publisher
at-no-publisher = There is none at this address that you may do this at. The address may have a mistake in it, or your role there does not allow it: ask an owner there.
