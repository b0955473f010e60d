# A new offer.
new-title = A new offer
new-words = This makes a draft with the fields that the type needs. Customers see nothing of it before it is live.
new-name = Name
new-name-hint = As your members see it in lists. You can change it at any time.
new-id = Id
new-id-hint = 1 to 50 lower-case letters, digits, - and _. It begins with a letter or digit, does not end in -, and cannot be changed later.
new-make = Make the draft
new-no-type = Choose one of the types.
new-no-name = The offer has no name. Give it one.
new-no-id = The offer has no id. Give it one.
new-known = There is an offer with this id already. Choose another id, or open that offer.
new-open-known = Open that offer
