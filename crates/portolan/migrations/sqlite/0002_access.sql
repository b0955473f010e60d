-- Who may what: principals, members, credentials, sessions, and the built-in issuer's keys. Moments are ticks of 100 ns since
-- 0001-01-01. A circle is a publisher's folded id, or `$marketplace`. Of every secret only its SHA-256 is here.

-- The journals, one per circle; until now the heads of publishers' journals stood in their own rows.
CREATE TABLE chain (
    circle   TEXT    NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL, -- of its newest journal entry
    head     BLOB    NOT NULL, -- the hash of that entry
    access   INTEGER NOT NULL  -- rises when its members or their credentials change; what such commits are guarded by
) STRICT;
INSERT INTO chain SELECT folded, sequence, head, 0 FROM publisher;
INSERT INTO chain VALUES ('$marketplace', 0, zeroblob(32), 0);
ALTER TABLE publisher DROP COLUMN sequence;
ALTER TABLE publisher DROP COLUMN head;

CREATE TABLE principal (
    id          TEXT NOT NULL PRIMARY KEY,
    kind        TEXT NOT NULL,
    name        TEXT NOT NULL,
    mail        TEXT,          -- folded
    issuer      TEXT NOT NULL,
    tenant      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    application TEXT,
    home        TEXT NOT NULL, -- the circle that made it
    UNIQUE (issuer, tenant, subject)
) STRICT;
CREATE UNIQUE INDEX principal_by_application ON principal (application) WHERE issuer = 'built-in';
CREATE UNIQUE INDEX principal_by_mail ON principal (mail) WHERE issuer = 'built-in';

CREATE TABLE member (
    circle    TEXT    NOT NULL REFERENCES chain (circle),
    principal TEXT    NOT NULL REFERENCES principal (id),
    roles     TEXT    NOT NULL,
    since     INTEGER NOT NULL,
    PRIMARY KEY (circle, principal)
) STRICT;
CREATE INDEX member_by_principal ON member (principal);

CREATE TABLE client_secret (
    id        TEXT    NOT NULL PRIMARY KEY,
    principal TEXT    NOT NULL REFERENCES principal (id),
    hash      BLOB    NOT NULL,
    made_at   INTEGER NOT NULL,
    ends_at   INTEGER NOT NULL,
    used_at   INTEGER
) STRICT;
CREATE INDEX client_secret_by_principal ON client_secret (principal);

CREATE TABLE password (
    principal TEXT    NOT NULL PRIMARY KEY REFERENCES principal (id),
    hash      TEXT    NOT NULL, -- Argon2id, in PHC form
    set_at    INTEGER NOT NULL
) STRICT;

-- A one-time secret: to choose a password, or, where `principal` is null, to make the first operator.
CREATE TABLE invitation (
    hash      BLOB    NOT NULL PRIMARY KEY,
    principal TEXT,
    ends_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX invitation_by_principal ON invitation (COALESCE(principal, ''));

CREATE TABLE session (
    hash      BLOB    NOT NULL PRIMARY KEY, -- of the cookie
    id        TEXT    NOT NULL UNIQUE,
    principal TEXT    NOT NULL,
    began_at  INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    agent     TEXT    NOT NULL,
    address   TEXT    NOT NULL
) STRICT;
CREATE INDEX session_by_principal ON session (principal);
CREATE INDEX session_by_seen ON session (seen_at);

-- Codes of the built-in issuer, each good for one exchange.
CREATE TABLE code (
    hash    BLOB    NOT NULL PRIMARY KEY,
    record  TEXT    NOT NULL,
    ends_at INTEGER NOT NULL
) STRICT;

CREATE TABLE signing_key (
    id         TEXT    NOT NULL PRIMARY KEY, -- the `kid`
    made_at    INTEGER NOT NULL,
    signs_from INTEGER NOT NULL,
    sealed     TEXT    NOT NULL  -- the private key
) STRICT;

-- One row: what is decided once for an installation.
CREATE TABLE installation (
    tenant TEXT NOT NULL -- the built-in issuer's
) STRICT;
