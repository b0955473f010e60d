# Offers as customers see them.
listing-preview-mark = (preview)
listing-preview = Preview of version
listing-not-public = – not public.
listing-preview-words = Customers will see this page at another address once the offer is live.
listing-by = By
listing-categories = Categories
listing-overview = Overview
listing-plans = Plans
listing-price-sheet = Price sheet
listing-prices = Prices by size
listing-size = Size
listing-hour-price = Price for an hour
listing-system = System
listing-sizes = Suitable sizes
listing-regions = Sold in
listing-plan-id = Plan id
listing-screenshots = Screenshots
listing-screenshot = Screenshot
listing-about = About this offer
listing-support = Support
listing-support-page = Support page
listing-no-support = The publisher names nobody.
listing-more = Learn more
listing-video = Video:
listing-legal = Legal
listing-terms = Terms of use
listing-privacy = Privacy policy
listing-version = Version
listing-version-of = of
listing-private = Private
listing-private-why = Only those in its audience will see this plan.
listing-hidden = Hidden
listing-hidden-why = Customers will not see this plan: solution templates use it.
listing-free = { $months ->
    [one] First month free
   *[other] First { $months } months free
}
listing-per-core = per core and hour
listing-from = From
listing-by-size = for an hour, by size
listing-by-country = By country
listing-see-sheet = see the price sheet
listing-own-licence = Your own licence
listing-own-licence-words = nothing is charged for the software here
listing-cores = { $cores ->
    [one] { $cores } core
   *[other] { $cores } cores
}
listing-shared-core = Shared core
listing-missing-title = There is no such offer
listing-missing = It is not on sale here. It may have been on sale before, or the address may have a mistake in it.
