# The reference: the API, and what codes mean.
docs-title = Reference
docs-api = API
docs-api-words = Every call of the API, with what it takes, what it answers, and how to send it.
docs-document = The OpenAPI document
docs-rules = What codes mean
docs-rules-words = Each code that the service says itself, in messages and faults: what it means, and what to do.
docs-rules-others = Other codes come from outside systems and reviewers.
docs-search = Search the calls
docs-count = { $count ->
    [one] { $count } call
   *[other] { $count } calls
}
docs-all-calls = All calls
docs-call = Call
docs-words = Description
docs-name = Name
docs-type = Type
docs-place = In
docs-required = required
docs-parameters = Parameters
docs-body = Body
docs-answers = Answers
docs-members = Members
docs-codes = Codes of errors
docs-codes-words = An error's body names one of these codes.
docs-needs = What it needs of the caller
docs-needs-nothing = Nothing: no token is looked at.
docs-needs-token = A token of a trusted issuer, whoever it is about.
docs-needs-at-publisher = A token, and a role at the publisher or among the staff that allows to:
docs-needs-staff = A token, and a role among the marketplace's staff that allows to:
docs-needs-staff-or-setup = The secret of a fresh installation, or a token and a role among the marketplace's staff that allows to:
docs-no-command = There is no command for this call; send it with curl.
docs-missing-title = Not described
docs-missing = There is no call and no schema of this name.
docs-code = Code
docs-means = What it means
docs-mend = What to do
docs-foreign = This code is not one of the service's own. An outside system that checks offers, or a reviewer, says it.
docs-foreign-look = Read the message that came with it: it says what is wrong, and often links to the rule. Where that is not enough, ask the marketplace's operator.
