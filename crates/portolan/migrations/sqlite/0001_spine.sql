-- The spine: publishers, offers, versions, operations, due checks, journal.
-- Times are ticks of 100 ns since 0001-01-01. `publisher` is always the folded (lower-case) id.

CREATE TABLE publisher (
    folded       TEXT    NOT NULL PRIMARY KEY,
    id           TEXT    NOT NULL,
    display_text TEXT    NOT NULL,
    seller_id    TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    sequence     INTEGER NOT NULL, -- of its newest journal entry
    head         BLOB    NOT NULL  -- the hash of that entry
) STRICT;

CREATE TABLE offer (
    publisher    TEXT    NOT NULL REFERENCES publisher (folded),
    id           TEXT    NOT NULL,
    revision     INTEGER NOT NULL, -- rises with every commit; what commits are guarded by
    offer_type   TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    status       TEXT    NOT NULL,
    display_text TEXT    NOT NULL,
    changed_at   INTEGER NOT NULL,
    saved_at     INTEGER NOT NULL,
    preview      INTEGER,
    production   INTEGER,
    operation    TEXT,             -- the newest operation
    live_plans   TEXT    NOT NULL,
    etag         TEXT    NOT NULL, -- of the status document
    document     BLOB    NOT NULL, -- the status document as it is served
    PRIMARY KEY (publisher, id)
) STRICT;

-- Apart from its offer, for an offer changes at every step, and its draft does not.
CREATE TABLE draft (
    publisher    TEXT    NOT NULL,
    offer        TEXT    NOT NULL,
    secrets      TEXT    NOT NULL,
    definition   TEXT    NOT NULL, -- as it was sent
    PRIMARY KEY (publisher, offer)
) STRICT;

CREATE TABLE version (
    publisher    TEXT    NOT NULL,
    offer        TEXT    NOT NULL,
    version      INTEGER NOT NULL,
    saved_at     INTEGER NOT NULL,
    published_at INTEGER NOT NULL,
    secrets      TEXT    NOT NULL,
    definition   TEXT    NOT NULL,
    PRIMARY KEY (publisher, offer, version)
) STRICT;

CREATE TABLE operation (
    id            TEXT    NOT NULL PRIMARY KEY,
    publisher     TEXT    NOT NULL,
    offer         TEXT    NOT NULL,
    purpose       TEXT    NOT NULL,
    course        TEXT    NOT NULL,
    offer_version INTEGER NOT NULL,
    started_at    INTEGER NOT NULL,
    record        TEXT    NOT NULL -- the whole operation with its frozen steps
) STRICT;
CREATE UNIQUE INDEX operation_by_offer ON operation (publisher, offer, started_at DESC);
CREATE INDEX operation_running ON operation (started_at) WHERE course = 'running';

CREATE TABLE due (
    publisher    TEXT    NOT NULL,
    offer        TEXT    NOT NULL,
    operation    TEXT    NOT NULL,
    step         INTEGER NOT NULL,
    check_index  INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL, -- how often it was claimed since it last could be run
    fence        INTEGER NOT NULL, -- of its newest claim
    leased_until INTEGER,
    PRIMARY KEY (operation, step, check_index)
) STRICT;
CREATE INDEX due_free ON due (due_at) WHERE leased_until IS NULL;
CREATE INDEX due_leased ON due (leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX due_by_offer ON due (publisher, offer);

-- One row: the highest fencing number that was given out, or tried whether it can be.
CREATE TABLE fence (
    highest INTEGER NOT NULL
) STRICT;
INSERT INTO fence (highest) VALUES (0);

CREATE TABLE journal (
    publisher TEXT    NOT NULL,
    sequence  INTEGER NOT NULL, -- gapless per publisher, from 1
    offer     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    entry     TEXT    NOT NULL,
    document  BLOB    NOT NULL, -- the status document of that moment
    hash      BLOB    NOT NULL, -- over the entry before it and this one
    PRIMARY KEY (publisher, sequence)
) STRICT;

CREATE TABLE pipeline (
    offer_type TEXT NOT NULL PRIMARY KEY,
    digest     TEXT NOT NULL -- of the pipeline that unpublished offers of this type were rendered with
) STRICT;
