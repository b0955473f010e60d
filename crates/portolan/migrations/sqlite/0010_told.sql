-- Who is told what: subscriptions of publishers and of the marketplace's operators, and what was tried to tell them.

CREATE TABLE subscription (
    id            TEXT    NOT NULL PRIMARY KEY,
    circle        TEXT    NOT NULL REFERENCES chain (circle), -- the publisher's; of `$marketplace`, about all publishers
    kind          TEXT    NOT NULL, -- webhook or mail
    revision      INTEGER NOT NULL, -- rises when it is changed
    principal     TEXT,             -- whose, where it is mail; who made it, where it is a webhook
    events        TEXT    NOT NULL, -- a JSON array of names of happenings
    target        TEXT    NOT NULL, -- sealed: address and secrets of a webhook
    made_at       INTEGER NOT NULL,
    made_by       TEXT    NOT NULL,
    failing_since INTEGER,          -- since when nothing was delivered although it was tried
    disabled_at   INTEGER,          -- since when nothing is sent any more
    disabled_why  TEXT
) STRICT;
CREATE INDEX subscription_by_circle ON subscription (circle);
CREATE UNIQUE INDEX subscription_mail ON subscription (circle, principal) WHERE kind = 'mail';

-- Of which letters are left after they were removed: those go in portions, for there may be many.
CREATE TABLE removed_subscription (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

ALTER TABLE outbox ADD COLUMN subscription TEXT;    -- for whom, where it is for one
ALTER TABLE outbox ADD COLUMN line         INTEGER; -- which line of its publisher's journal it tells
ALTER TABLE outbox ADD COLUMN happening    TEXT;    -- what happened then
CREATE INDEX outbox_by_subscription ON outbox (subscription, sequence) WHERE subscription IS NOT NULL;

-- Each try to deliver a letter that tells of something.
CREATE TABLE attempt (
    letter  INTEGER NOT NULL REFERENCES outbox (sequence) ON DELETE CASCADE,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    took    INTEGER NOT NULL, -- milliseconds
    status  INTEGER,          -- what was answered, where something was
    failure TEXT,             -- why it failed, in a word
    PRIMARY KEY (letter, number)
) STRICT;

ALTER TABLE lane ADD COLUMN kind        TEXT NOT NULL DEFAULT 'lead';
ALTER TABLE lane ADD COLUMN destination TEXT NOT NULL DEFAULT ''; -- what it has in common with other lanes; empty for nothing
DROP INDEX lane_due;
CREATE INDEX lane_due ON lane (kind, due_at);
-- Not only of those that have one: the planner cannot know that a parameter is not empty.
CREATE INDEX lane_by_destination ON lane (destination, due_at);
CREATE INDEX lane_in_hand ON lane (destination, due_at) WHERE fence IS NOT NULL;

-- Where letters of several lanes go, as long as it fails: nothing goes there until it has rested, and then one letter to see.
CREATE TABLE destination (
    name        TEXT    NOT NULL PRIMARY KEY,
    rests_until INTEGER NOT NULL,
    failures    INTEGER NOT NULL
) STRICT;
