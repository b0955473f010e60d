-- The work behind the steps: who sees a preview and private plans, what was in production before, the key of signed links.

ALTER TABLE offer ADD COLUMN preview_audience TEXT NOT NULL DEFAULT '[]';
ALTER TABLE offer ADD COLUMN live_audiences   TEXT NOT NULL DEFAULT '[]';
ALTER TABLE offer ADD COLUMN previous         TEXT; -- what was in production before

CREATE INDEX offer_live ON offer (publisher, id) WHERE production IS NOT NULL;

-- One row: what signs links.
CREATE TABLE link_key (
    sealed TEXT NOT NULL
) STRICT;
