-- The outbox: what was promised to somebody outside, until it is delivered or given up; after that only the fact.

CREATE TABLE outbox (
    sequence     INTEGER NOT NULL PRIMARY KEY, -- the order in which they were taken
    id           TEXT    NOT NULL UNIQUE,
    publisher    TEXT    NOT NULL,
    offer        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    lane         TEXT    NOT NULL,
    body         TEXT,             -- sealed; null once it is delivered or given up
    made_at      INTEGER NOT NULL,
    due_at       INTEGER NOT NULL, -- its place in its lane, with the sequence
    attempt      INTEGER NOT NULL, -- how often it was taken in hand
    done_at      INTEGER,
    failed_at    INTEGER,
    failure      TEXT,             -- why the last try failed: a category, and nothing that was answered
    once_key     BLOB,             -- the hash of the key that a sender gave so that it is taken once, for a day
    once_digest  BLOB              -- the hash of that key and what was sent with it
) STRICT;
CREATE INDEX outbox_lane    ON outbox (lane, due_at, sequence) WHERE body IS NOT NULL;
CREATE INDEX outbox_ended   ON outbox (COALESCE(done_at, failed_at)) WHERE body IS NULL;
CREATE INDEX outbox_listed  ON outbox (publisher, offer, kind, sequence);
CREATE UNIQUE INDEX outbox_once ON outbox (lane, once_key) WHERE once_key IS NOT NULL;

-- The letters of a kind about an offer, wherever they go: one is in hand at a time. Without letters there is no row.
CREATE TABLE lane (
    name        TEXT    NOT NULL PRIMARY KEY,
    waiting     INTEGER NOT NULL, -- how many of its letters have a body
    due_at      INTEGER NOT NULL, -- when its first letter may be taken in hand; where one is, the end of that lease
    rests_until INTEGER NOT NULL, -- no letter is tried before this, for the destination fails
    failures    INTEGER NOT NULL, -- how often the destination failed since it last answered
    fence       INTEGER           -- of the claim that has its first letter in hand
) STRICT;
CREATE INDEX lane_due ON lane (due_at);
