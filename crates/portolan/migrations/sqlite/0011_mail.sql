-- Who wants no mail about an offer any more, although the address was given at publish. Of the address there is what cannot be
-- turned back into it.

CREATE TABLE mail_stop (
    receiver   TEXT    NOT NULL,
    publisher  TEXT    NOT NULL,
    offer      TEXT    NOT NULL,
    stopped_at INTEGER NOT NULL,
    PRIMARY KEY (receiver, publisher, offer)
) STRICT, WITHOUT ROWID;
