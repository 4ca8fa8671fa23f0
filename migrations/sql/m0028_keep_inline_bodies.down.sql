-- Bodies that no worker has stored yet would be lost: the check refuses them. Set
-- `DOSSIER_INLINE_BYTES=0`, and wait until nothing is pending.
CREATE TABLE IF NOT EXISTS unstored_bodies (bodies bigint CHECK (bodies = 0));
INSERT INTO unstored_bodies SELECT count(*) FROM versions WHERE body IS NOT NULL;
DROP TABLE unstored_bodies;
ALTER TABLE versions DROP COLUMN body;
