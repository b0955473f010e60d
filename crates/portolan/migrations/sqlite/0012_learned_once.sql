-- Samples in the order in which they were learned, whatever a clock said; and whether a database from before them was read for any.

DROP INDEX duration_newest;
CREATE INDEX duration_newest ON duration (offer_type, step);

-- A row, until that is done.
CREATE TABLE duration_unlearned (yes INTEGER NOT NULL) STRICT;
INSERT INTO duration_unlearned SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM duration);
