-- The outbox: what was promised to somebody outside, until it is delivered or given up; after that only the fact.

CREATE TABLE outbox (
    sequence     INTEGER NOT NULL PRIMARY KEY, -- the order in which they were taken
    id           TEXT    NOT NULL UNIQUE,
    publisher    TEXT    NOT NULL,
    offer        TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    lane         TEXT    NOT NULL, -- one destination of one offer: of a lane one goes out at a time, in order
    body         TEXT,             -- sealed; null once it is delivered or given up
    made_at      INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    attempt      INTEGER NOT NULL, -- how often it was taken in hand
    fence        INTEGER NOT NULL, -- of its newest claim
    leased_until INTEGER,
    done_at      INTEGER,
    failed_at    INTEGER,
    failure      TEXT,             -- why the last try failed: a category, and nothing that was answered
    once_key     BLOB,             -- the hash of the key that a sender gave so that it is taken once, for a day
    once_digest  BLOB              -- the hash of that key and what was sent with it
) STRICT;
CREATE INDEX outbox_waiting ON outbox (due_at, sequence) WHERE body IS NOT NULL;
CREATE INDEX outbox_lane    ON outbox (lane, due_at, sequence) WHERE body IS NOT NULL;
CREATE INDEX outbox_leased  ON outbox (lane, leased_until) WHERE leased_until IS NOT NULL;
CREATE INDEX outbox_ended   ON outbox (COALESCE(done_at, failed_at)) WHERE body IS NULL;
CREATE INDEX outbox_listed  ON outbox (publisher, offer, kind, sequence);
CREATE UNIQUE INDEX outbox_once ON outbox (lane, once_key) WHERE once_key IS NOT NULL;
