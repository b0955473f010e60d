-- Secrets are sealed: `draft.secrets` and `version.secrets` are `{}`, or text that opens with a key of the key file.

-- Found at every start, to seal what is not sealed with the newest key.
CREATE INDEX draft_with_secrets ON draft (publisher, offer) WHERE secrets <> '{}';
CREATE INDEX version_with_secrets ON version (publisher, offer, version) WHERE secrets <> '{}';

-- One row: whether secrets that were not sealed may still lie in unused parts of the files.
CREATE TABLE scrub (
    wanted INTEGER NOT NULL
) STRICT;
INSERT INTO scrub (wanted) VALUES (0);
