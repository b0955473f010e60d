-- The time that a due check itself names: while it stays, a commit on the offer leaves until when the check was put off.

ALTER TABLE due ADD COLUMN own_at INTEGER NOT NULL DEFAULT -1;
