-- Learned durations: how long steps took, the newest of each step of each offer type; and when to look whether one is late.

CREATE TABLE duration (
    offer_type TEXT    NOT NULL,
    step       TEXT    NOT NULL,
    ended_at   INTEGER NOT NULL,
    ticks      INTEGER NOT NULL -- how long it took
) STRICT;
CREATE INDEX duration_newest ON duration (offer_type, step, ended_at DESC);

-- When to look whether the current step is late; null where nobody is at it. Each run that goes on is looked at once.
ALTER TABLE operation ADD COLUMN look_at INTEGER;
UPDATE operation SET look_at = 0 WHERE course = 'running';
CREATE INDEX operation_look ON operation (look_at) WHERE look_at IS NOT NULL;
