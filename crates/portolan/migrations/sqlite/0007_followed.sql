-- The journal is read by offer: its history, its event stream, its status at some moment.

CREATE INDEX journal_by_offer ON journal (publisher, offer, sequence);
