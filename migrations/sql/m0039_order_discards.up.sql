-- Discarded bytes in the order in which they are to be removed: those of moved objects wait.
CREATE INDEX discards_due ON discards (at, url);
