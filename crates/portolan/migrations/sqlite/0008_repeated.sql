-- What was answered to requests that carry a key, so that one that is sent again is not performed again.

CREATE TABLE repeated (
    -- The hash of who asked and the key; neither can be read from it.
    key      BLOB NOT NULL PRIMARY KEY,
    -- The hash of all that was sent with it.
    digest   BLOB NOT NULL,
    made_at  INTEGER NOT NULL,
    -- Sealed: it may hold a secret that is shown once.
    answer   TEXT NOT NULL
);

CREATE INDEX repeated_by_age ON repeated (made_at);
