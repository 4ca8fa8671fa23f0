-- Versions whose bytes a client wrote straight into the storage, and that nobody has read yet: their
-- digest is what the client declared, or none (zeros).
ALTER TABLE versions ADD COLUMN is_direct boolean NOT NULL DEFAULT false;
