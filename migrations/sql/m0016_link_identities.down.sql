DROP TABLE identities;
ALTER TABLE users DROP COLUMN disabled;
