# The list of offers.
offers-new = New offer
offers-none = There are no offers yet.
offers-none-words = Each offer of your publishers will be listed here with its state, whose turn it is and when that usually ends. Make one here, or from a terminal:
offers-none-emulator = Just looking around? Load the sample offers from the
offers-none-fit = No offer fits.
offers-filter = Filter
offers-text = Name or id
offers-needs = Needs
offers-anything = Anything
offers-needs-publisher = The publisher
offers-type = Type
offers-publisher = Publisher
offers-sort = Order
offers-sort-needs = What needs somebody first
offers-sort-changed = Newest change first
offers-sort-name = By name
offers-show = Show
offers-count = { $count ->
    [one] { $count } offer
   *[other] { $count } offers
}
offers-needing = { $count ->
    [0] none needs the publisher
    [one] { $count } needs the publisher
   *[other] { $count } need the publisher
}
offers-offer = Offer
offers-state = State
offers-waiting = Waiting on
offers-expected = Usually ends
offers-changed = Changed
turn-publisher = The publisher
turn-publisher-errors = { $errors ->
    [one] The publisher: { $errors } error
   *[other] The publisher: { $errors } errors
}
turn-reviewer = A reviewer
turn-marketplace = The marketplace
turn-outside = A system outside
turn-nobody = Nobody
shell-pages = Pages of this list
shell-page = Page { $number }
shell-before = Page before
shell-after = Next page
offers-cut = Of each publisher, the 10,000 offers with the first ids are looked at, filtered and counted here. The API lists all of them.
